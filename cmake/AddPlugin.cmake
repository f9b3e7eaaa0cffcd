# myq_add_plugin(NAME SOURCES FILE...): builds NAME.so, a plugin that exports one symbol.
#
# Hidden visibility and -z defs, because the contract is one symbol in and none out;
# -fno-gnu-unique, because a unique symbol would pin every copy of the plugin to the first one's.
function(myq_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE myq::handler)
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--build-id
    $<$<NOT:$<BOOL:${MYQ_SANITIZE}>>:-Wl,-z,defs>)
endfunction()
