#include "cri-runtime/service/runtime_service.h"

namespace trivet::cri {

void RuntimeService::AwaitAll(rpc::CallQueue& calls) {
#define TRIVET_AWAIT(name, where)                                                      \
  rpc::AwaitCalls(calls, *this, &RuntimeService::Request##name, &RuntimeService::name, \
                  rpc::Answered::where);
  TRIVET_UNARY_METHODS(TRIVET_AWAIT)
#undef TRIVET_AWAIT
}

}  // namespace trivet::cri
