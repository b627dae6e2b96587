# In Wireshark's source tree this folder stands as plugins/epan/tcphs and is built with Wireshark's own macros: the way to build for
# Windows and macOS (plugin/doc/in-tree.md).
include(WiresharkPlugin)

string(REPLACE "." ";" TCPHS_VERSION_PARTS ${TCPHS_VERSION_NUMBER})
set_module_info(tcphs ${TCPHS_VERSION_PARTS} 0)
set(PLUGIN_FILES ${TCPHS_CORE_FILES} ${TCPHS_PLUGIN_FILES})
add_wireshark_plugin_library(tcphs epan)
target_include_directories(tcphs PRIVATE core wireshark)
target_compile_definitions(tcphs PRIVATE TCPHS_VERSION="${TCPHS_VERSION_NUMBER}")
target_link_libraries(tcphs epan)
install_plugin(tcphs epan)
