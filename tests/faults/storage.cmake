# What needs a disk of its own, and the daemon with mistakes in it.
add_library(myq_storage STATIC disk.cpp disk_errors.cpp disk_senders.cpp power_cut.cpp)
target_link_libraries(myq_storage PUBLIC myq_stage PRIVATE myq::journal fmt::fmt myq::options)

myq_test(storage_test faults WORLD
  SOURCES disk_damage_test.cpp disk_test.cpp power_cut_test.cpp
  LIBRARIES myq_storage myq_test_main fmt::fmt nlohmann_json::nlohmann_json)

# myq_mutant(NAME FILE): the program myqd_NAME, which is myqd with mutants/NAME.patch in FILE. The
# linker takes what the patched file defines from there, and everything else from what ships; FILE
# must be an object of its own in the daemon's library (daemon/CMakeLists.txt).
function(myq_mutant name file)
  set(patch ${CMAKE_CURRENT_SOURCE_DIR}/mutants/${name}.patch)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}/${file})
  cmake_path(GET source PARENT_PATH directory)
  add_custom_command(OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${directory}
    COMMAND patch --quiet --force --reject-file=- --output=${source}
      ${PROJECT_SOURCE_DIR}/${file} ${patch}
    DEPENDS ${patch} ${PROJECT_SOURCE_DIR}/${file}
    COMMENT "Putting the mistake ${name} into ${file}"
    VERBATIM)
  add_executable(myqd_${name} ${PROJECT_SOURCE_DIR}/daemon/main.cpp ${source})
  target_link_libraries(myqd_${name} PRIVATE myqd_core fmt::fmt PkgConfig::capng myq::options)
endfunction()

myq_mutant(private_buffer daemon/queue_source.cpp)
myq_mutant(confirm_early daemon/intake.cpp)
myq_mutant(normal_sync daemon/intake.cpp)
myq_mutant(no_setgroups daemon/unix/privileges.cpp)

myq_test(mutant_test faults WORLD
  SOURCES mutant_test.cpp mutant_scenarios.cpp
  LIBRARIES myq_storage myq_test_main fmt::fmt)
target_compile_definitions(mutant_test PRIVATE MUTANTS="${CMAKE_CURRENT_BINARY_DIR}")
add_dependencies(mutant_test myqd_private_buffer myqd_confirm_early myqd_normal_sync
  myqd_no_setgroups)
