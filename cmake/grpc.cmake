# trivet_grpc: gRPC, Protocol Buffers and what they are made of. A program (trivet_executable) takes them as Debian's
# archives: three dozen libraries less to load and relocate (docs/adr/2026-11-30-grpc-in-the-program.md). Tests, which
# are many, take the shared libraries.
pkg_check_modules(GRPC REQUIRED grpc++ protobuf)
list(REMOVE_DUPLICATES GRPC_STATIC_LIBRARIES)

# Abseil comes with gRPC alone. OpenSSL and zlib stay shared: they are every program's, and mended more often.
set(grpc_archives)
set(grpc_shared)
foreach(library IN LISTS GRPC_STATIC_LIBRARIES)
  if(library MATCHES "^(grpc|gpr|upb|re2|cares|address_sorting|absl|protobuf)")
    find_library(GRPC_ARCHIVE_${library} lib${library}.a REQUIRED)
    list(APPEND grpc_archives ${GRPC_ARCHIVE_${library}})
  else()
    list(APPEND grpc_shared ${library})
  endif()
endforeach()
list(JOIN grpc_archives "," grpc_archives)

define_property(TARGET PROPERTY TRIVET_GRPC_ARCHIVES BRIEF_DOCS "Whether trivet_grpc is archives in this target")
set(of_archives "$<BOOL:$<TARGET_PROPERTY:TRIVET_GRPC_ARCHIVES>>")
add_library(trivet_grpc INTERFACE)
target_link_libraries(trivet_grpc INTERFACE
  "$<${of_archives}:$<LINK_GROUP:RESCAN,${grpc_archives}>;${grpc_shared}>"
  "$<$<NOT:${of_archives}>:gRPC::grpc++;protobuf::libprotobuf;absl::synchronization>")
if(TRIVET_TSAN)
  target_compile_options(trivet_grpc INTERFACE "SHELL:-include ${CMAKE_CURRENT_LIST_DIR}/tsan_protobuf.h")
endif()
