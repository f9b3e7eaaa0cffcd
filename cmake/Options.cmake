# myq::options: language level, warnings and hardening, as one target that every target of ours links.
add_library(myq_options INTERFACE)
add_library(myq::options ALIAS myq_options)

target_compile_features(myq_options INTERFACE cxx_std_20)
target_compile_options(myq_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough
  -fstack-protector-strong -fstack-clash-protection
  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
target_compile_definitions(myq_options INTERFACE
  _GNU_SOURCE
  # glibc's checks need an optimised build, and the sanitizers bring their own.
  $<$<AND:$<NOT:$<CONFIG:Debug>>,$<NOT:$<BOOL:${MYQ_SANITIZE}>>>:_FORTIFY_SOURCE=2>)
target_link_options(myq_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)

if(MYQ_SANITIZE)
  target_compile_options(myq_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(myq_options INTERFACE -fsanitize=address,undefined)
endif()
