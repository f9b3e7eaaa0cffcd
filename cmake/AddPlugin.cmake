# myq_add_plugin(NAME SOURCES FILE...): builds NAME.so, a plugin that exports one symbol.
#
# The contract is one symbol in and none out. Hidden visibility does not see to that alone: the
# standard library asks for what its templates and inline functions leave behind to be exported, and
# two plugins that use std::to_string() would share one of them. So the linker is told as well, by a
# version script. -z defs, because a symbol that nobody has would fail at the first message;
# -fno-gnu-unique, because a unique symbol would pin every copy of the plugin to the first one's.
function(myq_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  set(exports ${CMAKE_CURRENT_BINARY_DIR}/${name}.map)
  file(CONFIGURE OUTPUT ${exports} CONTENT "{ global: myq_plugin_entry; local: *; };\n" @ONLY)

  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE myq::handler)
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${exports})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--build-id -Wl,--version-script=${exports}
    $<$<NOT:$<BOOL:${MYQ_SANITIZE}>>:-Wl,-z,defs>)
endfunction()
