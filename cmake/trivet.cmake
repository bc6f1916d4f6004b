# The project's build vocabulary: trivet_library, trivet_executable, trivet_test.
# Everything is found in the distribution's packages; a missing one is one REQUIRED error.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Protobuf REQUIRED)  # before gRPC: its config needs the imported targets
find_package(gRPC CONFIG REQUIRED)
pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(NL REQUIRED IMPORTED_TARGET libnl-3.0 libnl-route-3.0)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CAP REQUIRED IMPORTED_TARGET libcap)
pkg_check_modules(MOUNT REQUIRED IMPORTED_TARGET mount)
pkg_check_modules(BLKID REQUIRED IMPORTED_TARGET blkid)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
# As an archive, what is used of it: no library to load at each start.
find_library(NETTLE_ARCHIVE libnettle.a REQUIRED)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)

# What every target of ours is compiled with. Generated code and other people's headers are not.
add_library(trivet_options INTERFACE)
target_compile_features(trivet_options INTERFACE cxx_std_23)
target_include_directories(trivet_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_definitions(trivet_options INTERFACE TRIVET_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)
target_compile_options(trivet_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor $<$<NOT:$<BOOL:${TRIVET_FUZZ}>>:-Werror>
  # GCC 12 reports designated initialisers that rely on defaults, and false positives of its own library: one kind only
  # with what -fsanitize=thread adds.
  -Wno-missing-field-initializers -Wno-error=maybe-uninitialized -Wno-error=restrict
  $<$<BOOL:${TRIVET_TSAN}>:-Wno-error=array-bounds>
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
set(CMAKE_CXX_EXTENSIONS OFF)

option(TRIVET_ASAN "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TRIVET_TSAN "ThreadSanitizer" OFF)
add_library(trivet_tsan_options OBJECT EXCLUDE_FROM_ALL cmake/tsan_options.cc)
option(TRIVET_FUZZ "libFuzzer with both of AddressSanitizer and UndefinedBehaviorSanitizer; clang" OFF)
if(TRIVET_ASAN)
  # Tests and generated code (TRIVET_PLAIN) are compiled as in the release preset, so that ccache has them: two thirds of
  # the time. What they test is instrumented.
  add_compile_options("$<$<NOT:$<BOOL:$<TARGET_PROPERTY:TRIVET_PLAIN>>>:-O0;-g1;-UNDEBUG;-U_FORTIFY_SOURCE;\
-fsanitize=address,undefined;-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
  add_link_options(-fsanitize=address,undefined)
elseif(TRIVET_FUZZ)
  # clang has warnings of its own, which gcc's builds do not promise to be free of.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -w)
  add_link_options(-fsanitize=address,undefined)
elseif(TRIVET_TSAN)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
  set(TRIVET_TSAN_OPTIONS $<TARGET_OBJECTS:trivet_tsan_options>)
endif()

# Where a preset compiles several sources as one (CMAKE_UNITY_BUILD), those of a folder are one: gRPC's headers take
# longer than our code, so a cold build takes a third of the time. Names in anonymous namespaces are unique within a
# folder for it; a new file in one folder never changes what is compiled together in another.
function(trivet_group_by_folder name sources)
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    string(MAKE_C_IDENTIFIER "folder_${folder}" group)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${name} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

# For code of programs that run for a moment, which waits for its pages and for the kernel.
if(NOT TRIVET_ASAN)
  set(TRIVET_SMALL $<$<CONFIG:Release>:-Os>)
endif()

# trivet_library(name SOURCES … [PUBLIC libraries…] [PRIVATE libraries…] [SMALL [ALONE]])
# SMALL: what is compiled with TRIVET_SMALL. ALONE: each source is compiled alone, after common/base's headers.
function(trivet_library name)
  cmake_parse_arguments(ARG "SMALL;ALONE" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  trivet_group_by_folder(${name} "${ARG_SOURCES}")
  if(ARG_SMALL)
    target_compile_options(${name} PRIVATE ${TRIVET_SMALL})
  endif()
  if(ARG_ALONE)
    set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
    target_precompile_headers(${name} REUSE_FROM trivet_base_headers)
  endif()
  target_link_libraries(${name} PUBLIC trivet_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

add_custom_target(programs COMMENT "All programs, no tests")

# trivet_executable(name SOURCES … LIBRARIES … [STATIC | STATIC_RUNTIME] [DESTINATION dir] [NO_INSTALL])
# STATIC links everything statically, STATIC_RUNTIME only the C++ runtime: the
# program starts in half the time and needs half the memory.
function(trivet_executable name)
  cmake_parse_arguments(ARG "STATIC;STATIC_RUNTIME;NO_INSTALL" "DESTINATION" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${TRIVET_TSAN_OPTIONS})
  target_link_libraries(${name} PRIVATE trivet_options ${ARG_LIBRARIES})
  if(NOT TRIVET_ASAN AND NOT TRIVET_TSAN)
    set_target_properties(${name} PROPERTIES TRIVET_GRPC_ARCHIVES ON)
    if(ARG_STATIC)
      target_link_options(${name} PRIVATE -static-pie -Wl,-z,pack-relative-relocs)
    elseif(ARG_STATIC_RUNTIME)
      target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc -Wl,-z,pack-relative-relocs)
    endif()
  endif()
  if(NOT ARG_DESTINATION)
    set(ARG_DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
  if(NOT ARG_NO_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${ARG_DESTINATION})
  endif()
  add_dependencies(programs ${name})
endfunction()

# What is tested is optimised, the tests need not be: a third less to compile.
set(TRIVET_TEST_OPTIONS -pthread $<$<CONFIG:Release>:-O0 -U_FORTIFY_SOURCE>)

# trivet_test(name LABEL unit|integration SOURCES … LIBRARIES …)
# Tests find the built executables in $TRIVET_BIN_DIR and the tree in $TRIVET_SOURCE_DIR.
function(trivet_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${TRIVET_TSAN_OPTIONS})
  target_link_libraries(${name} PRIVATE trivet_options trivet_testing ${ARG_LIBRARIES})
  target_compile_options(${name} PRIVATE ${TRIVET_TEST_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM trivet_test_headers)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests TRIVET_PLAIN ON
    UNITY_BUILD OFF)  # each test file has helpers of the same names
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  # One value for each property: of a list, discovery keeps the first and drops the rest in silence.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT TRIVET_BIN_DIR=${CMAKE_BINARY_DIR}/bin
    ENVIRONMENT_MODIFICATION TRIVET_SOURCE_DIR=set:${PROJECT_SOURCE_DIR})
endfunction()
