// ThreadSanitizer's options, in each program: a test may start one with an environment of its own.
// $TSAN_OPTIONS is read over them.
// Source: compiler-rt's tsan_interface.h.

extern "C" {

/// Debian's gRPC is not instrumented: what it does to its own memory would be reported all the
/// time.
const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1";
}

/// What is ordered by locks inside gRPC, which are not seen for the same reason.
const char* __tsan_default_suppressions() {
  // What it reads is const, and made before gRPC is given it; the thread may be older, of a server
  // that was there before.
  return "race:trivet::rpc::*OnlyClient::Process\n"
         // A call's end, which one thread gives to gRPC and another one takes from its queue.
         "race:grpc::CompletionQueue::AsyncNextInternal\n"
         "race:trivet::rpc::CallQueue::EndOne\n";
}
}
