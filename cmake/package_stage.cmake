# Run by cpack on the files that are about to be packaged: what Debian's policy
# wants of them.

set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX})
set(doc ${usr}/share/doc/${CPACK_PACKAGE_NAME})

file(COPY_FILE ${CPACK_EVNIC_DEBIAN_DIR}/copyright ${doc}/copyright)
file(COPY_FILE ${CPACK_EVNIC_DEBIAN_DIR}/changelog ${doc}/changelog)
file(REMOVE ${doc}/LICENSE) # copyright says the same

file(GLOB compressed ${doc}/changelog ${usr}/share/man/man*/*)
execute_process(COMMAND gzip -9n ${compressed} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB compressed ${doc}/changelog.gz ${usr}/share/man/man*/*)
file(CHMOD ${doc}/copyright ${compressed} FILE_PERMISSIONS
	OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
