# `cpack --preset default`: a .deb for everybody on the machine, and a .tar.gz that installs into one user's own folders.
# Both are for the one Wireshark found, and say so in their names.
set(TCPHS_FOR "wireshark${Wireshark_MAJOR_VERSION}.${Wireshark_MINOR_VERSION}")
configure_file(package/install.sh.in install.sh @ONLY)
configure_file(cmake/package-each.cmake.in package-each.cmake @ONLY)

install(TARGETS tcphs LIBRARY DESTINATION . COMPONENT portable EXCLUDE_FROM_ALL)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/doc/tcphs.7 ${CMAKE_CURRENT_BINARY_DIR}/doc/tcphs.json ${PROJECT_SOURCE_DIR}/COPYING
        DESTINATION . COMPONENT portable EXCLUDE_FROM_ALL)
install(PROGRAMS ${CMAKE_CURRENT_BINARY_DIR}/install.sh DESTINATION . COMPONENT portable EXCLUDE_FROM_ALL)
install(DIRECTORY profile DESTINATION . COMPONENT portable EXCLUDE_FROM_ALL OPTIONAL)

set(CPACK_GENERATOR TGZ)
find_program(TCPHS_SHLIBDEPS dpkg-shlibdeps)
find_program(TCPHS_FILE_COMMAND file)
if(TCPHS_INSTALL STREQUAL "personal")
    message(STATUS "No .deb: TCPHS_INSTALL is personal")
elseif(TCPHS_SHLIBDEPS AND TCPHS_FILE_COMMAND)
    list(PREPEND CPACK_GENERATOR DEB)
else()
    message(STATUS "No .deb: dpkg-shlibdeps (package dpkg-dev) or file is missing")
endif()

set(CPACK_PACKAGE_NAME tcphs)
set(CPACK_PACKAGE_VENDOR tcphs)
set(CPACK_PACKAGE_CONTACT "The tcphs authors")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGE_FILE_NAME tcphs-${PROJECT_VERSION}-${TCPHS_FOR}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/COPYING)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/package-each.cmake)

# The plugin links one soname of libwireshark, and each minor version has its own: shlibdeps finds its package.
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION}+${TCPHS_FOR})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "tshark | wireshark")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "TCP handshake analysis for Wireshark, TShark and sharkd")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "For every TCP segment the stage of its connection, proved by sequence and
acknowledgment numbers; for every connection a named reason why it opened,
failed or ended as it did.")
include(CPack)
