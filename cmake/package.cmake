# The Debian package: `cpack -G DEB` in a release build. What `cmake --install`
# installs is what it holds; what Debian wants besides comes from
# packaging/debian. With SOURCE_DATE_EPOCH set the same build gives the same
# bytes.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The evnic authors <evnic@example.org>"
	CACHE STRING "Who answers for the package")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE
	GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS
	${CMAKE_CURRENT_LIST_DIR}/package_stage.cmake)
set(CPACK_EVNIC_DEBIAN_DIR ${PROJECT_SOURCE_DIR}/packaging/debian)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS iproute2)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
	"launcher of microVMs with fast virtual network cards")
set(CPACK_PACKAGE_DESCRIPTION
"evnic launches a virtual machine on KVM from a JSON description and gives
it network cards: virtio-net over PCI or MMIO, with a loop of its own for
each queue pair, frames of 64 KiB that travel whole, and backends that can
be replaced while the guest runs.
The process that the guest talks to is confined: namespaces and a root of
its own, no capabilities, a list of system calls for each kind of thread.")

include(CPack)
