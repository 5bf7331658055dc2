# Compiler options that all of evnic shares.

set(CMAKE_C_FLAGS_DEBUG "-g -O1")
add_compile_definitions(_GNU_SOURCE)
add_compile_options(
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla
	-Wimplicit-fallthrough -Wdouble-promotion
	-fno-strict-aliasing)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	add_compile_options(-Wduplicated-cond -Wlogical-op -Wcast-align=strict
		-Wstack-usage=16384)
endif()
if(EVNIC_WERROR)
	add_compile_options(-Werror)
endif()
if(EVNIC_SANITIZE)
	add_compile_options(-fsanitize=${EVNIC_SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=${EVNIC_SANITIZE})
	# TSan does not follow fences; what it follows without them is no less.
	if(EVNIC_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
		add_compile_options(-Wno-tsan)
	endif()
endif()
if(EVNIC_COVERAGE)
	add_compile_options(--coverage)
	add_link_options(--coverage)
endif()
if(EVNIC_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
	add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong
		-fstack-clash-protection -fcf-protection)
	set(CMAKE_POSITION_INDEPENDENT_CODE ON)
	add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
