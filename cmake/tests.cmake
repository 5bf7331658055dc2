# evnic_test(NAME [SHARDS N] [TIMEOUT SECONDS] [LABELS ...] SOURCES ... LIBS ...):
# a Check program that ctest runs; in N parts, if it takes SHARD N as arguments:
# these begin before the others (COST).
# Labels: "ci" always; the tier besides (unit, conformance), and "threads" for
# what TSan should see. A program that returns test_skip() is skipped.
function(evnic_test name)
	cmake_parse_arguments(T "" "SHARDS;TIMEOUT" "LABELS;SOURCES;LIBS" ${ARGN})
	add_executable(${name} ${T_SOURCES})
	target_link_libraries(${name} PRIVATE ${T_LIBS} PkgConfig::CHECK)
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
	# Check's macros are not written for these.
	target_compile_options(${name} PRIVATE -Wno-pedantic -Wno-sign-conversion
		$<$<C_COMPILER_ID:GNU>:-Wno-stack-usage>)
	if(NOT T_TIMEOUT)
		set(T_TIMEOUT 120)
	endif()
	if(T_SHARDS)
		math(EXPR last "${T_SHARDS} - 1")
		foreach(shard RANGE ${last})
			add_test(NAME ${name}_${shard}
				COMMAND ${name} ${shard} ${T_SHARDS})
			list(APPEND tests ${name}_${shard})
		endforeach()
		set_tests_properties(${tests} PROPERTIES COST 100)
	else()
		add_test(NAME ${name} COMMAND ${name})
		set(tests ${name})
	endif()
	set_tests_properties(${tests} PROPERTIES LABELS "ci;${T_LABELS}"
		TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

# evnic_fuzz(NAME SOURCES ... LIBS ...): a fuzz target. With EVNIC_FUZZ it is a
# libFuzzer program fuzz_NAME. Always, replay_NAME runs its corpus under ctest
# (tests/fuzz/corpus/NAME).
function(evnic_fuzz name)
	cmake_parse_arguments(T "" "" "SOURCES;LIBS" ${ARGN})
	add_executable(replay_${name} ${T_SOURCES}
		${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
	target_link_libraries(replay_${name} PRIVATE ${T_LIBS})
	target_include_directories(replay_${name} PRIVATE
		${PROJECT_SOURCE_DIR}/tests)
	add_test(NAME replay_${name} COMMAND replay_${name}
		${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
	set_tests_properties(replay_${name} PROPERTIES LABELS "ci;fuzz"
		TIMEOUT 300)
	if(EVNIC_FUZZ)
		add_executable(fuzz_${name} ${T_SOURCES})
		target_link_libraries(fuzz_${name} PRIVATE ${T_LIBS})
		target_include_directories(fuzz_${name} PRIVATE
			${PROJECT_SOURCE_DIR}/tests)
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
	endif()
endfunction()
