# CPack: one .deb, made by `cmake --workflow --preset release`.
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME myq)
set(CPACK_PACKAGE_VENDOR "The myq authors")
set(CPACK_PACKAGE_CONTACT "The myq authors <maintainers@myq.example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "job server on System V message queues")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A message queue of the kernel is the broker: any program that can call msgsnd
(PHP, Python, Perl, C, or a shell with the command of this package) hands over
a typed message, and the daemon gives each type to a handler, a shared object
in its plugins directory. A message whose worker is killed is not lost.
.
This package has the daemon myqd, the command myq, handlers that log, append
to a file or run a program, and the headers for writing others.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
# What Debian expects of directories, whatever the umask of who builds.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# adduser for postinst; sysvinit-utils has what the init script includes.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, sysvinit-utils (>= 3.05-4~)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "logrotate")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)

include(CPack)
