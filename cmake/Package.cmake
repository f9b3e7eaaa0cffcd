# CPack: the .debs, made by `script/run`. One has nearly everything; handlers
# that need a library which not everybody wants have one each.
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME myq)
set(CPACK_PACKAGE_VENDOR "The myq authors")
set(CPACK_PACKAGE_CONTACT "The myq authors <maintainers@myq.example.org>")
# The first line of each description is its summary.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_DEBIAN_MYQ_DESCRIPTION
"job server on System V message queues
A message queue of the kernel is the broker: any program that can call msgsnd
(PHP, Python, Perl, C, or a shell with the command of this package) hands over
a typed message, and the daemon gives each type to a handler, a shared object
in its plugins directory. A message whose worker is killed is not lost.
.
This package has the daemon myqd, the command myq, handlers that log, append
to a file, store for PHP, mail, forward or run a program, and the headers for
writing others.")
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
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL myq http sql)
set(CPACK_DEBIAN_MYQ_PACKAGE_NAME myq)
# adduser for postinst; sysvinit-utils has what the init script includes.
set(CPACK_DEBIAN_MYQ_PACKAGE_DEPENDS "adduser, sysvinit-utils (>= 3.05-4~)")
# Every Debian but the smallest has logrotate; there, where it was not asked for, it would bring cron
# and a mail server with it.
set(CPACK_DEBIAN_MYQ_PACKAGE_SUGGESTS
  "logrotate, myq-http, myq-sql, default-mta | mail-transport-agent")
set(CPACK_DEBIAN_MYQ_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)

# myq_handler_package(NAME SUMMARY DESCRIPTION): the package myq-NAME, with the plugin NAME.
function(myq_handler_package name summary description)
  string(TOUPPER ${name} upper)
  set(version ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME myq-${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "myq (= ${version})" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${description}" PARENT_SCOPE)
  # Its changelog and copyright are those of myq.
  set(link ${PROJECT_BINARY_DIR}/packaging/doc/myq-${name})
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/packaging/doc)
  file(CREATE_LINK myq ${link} SYMBOLIC)
  install(FILES ${link} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc COMPONENT ${name}
    EXCLUDE_FROM_ALL)
endfunction()
myq_handler_package(http "job server on System V message queues - HTTP handler"
"This package has the handler http, which sends the body of each message to a
URL, over one connection that is kept, with TLS, and tries again when the
server is not there.")
myq_handler_package(sql "job server on System V message queues - PostgreSQL handler"
"This package has the handler sql, which runs one statement of PostgreSQL for
each message, over one connection that is kept, and tries again when the server
is not there.")

include(CPack)
