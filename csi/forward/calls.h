#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <optional>

#include "common/rpc/status.h"
#include "csi/forward/node_links.h"

/// Calls to nodes on behalf of a call that is being served: its deadline and its cancellation
/// reach them.
namespace trivet::csi {

/// `caller` may be null: a call of nobody, which ends when the node answers.
std::unique_ptr<grpc::ClientContext> ContextFor(const grpc::ServerContext* caller);

/// What a node's call came to, with the node's name in front of the error.
Result<> ResultOf(const NodeLink& node, const grpc::Status& status);

template <class Stub, class Request, class Response>
using UnaryMethod = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

/// Hands a call on to one node. Errors: the node's, with its name; kUnavailable when it does not
/// answer.
template <class Stub, class Request, class Response>
Result<> Forward(const grpc::ServerContext* caller, const NodeLink& node,
                 UnaryMethod<Stub, Request, Response> method, const Request& request,
                 Response& response) {
  const auto context = ContextFor(caller);
  return ResultOf(node, (node.stub<Stub>().*method)(context.get(), request, &response));
}

template <class Request>
struct Question {
  NodeLinkPtr node;
  Request request;
};

template <class Response>
struct Answer {
  NodeLinkPtr node;
  Result<> result;
  Response response;
};

template <class Stub, class Request, class Response>
using AsyncMethod = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*)(
    grpc::ClientContext*, const Request&, grpc::CompletionQueue*);

/// How long, and for what, the answers of several nodes are waited for.
template <class Response>
struct Patience {
  std::optional<std::chrono::milliseconds> at_most;  // beside the caller's own deadline
  std::function<bool(const Answer<Response>&)> enough = [](const auto&) { return false; };
};

/// Asks several nodes at a time, with one thread for all of them. An answer that is enough
/// cancels those that are still waited for: they are kCancelled. The answers are in the order of
/// the questions.
template <class Stub, class Request, class Response>
std::vector<Answer<Response>> Ask(const grpc::ServerContext* caller,
                                  const std::vector<Question<Request>>& questions,
                                  AsyncMethod<Stub, Request, Response> method,
                                  const Patience<Response>& patience = {}) {
  struct Pending {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
    grpc::Status status;
  };
  grpc::CompletionQueue queue;
  std::vector<Pending> pending(questions.size());
  std::vector<Answer<Response>> answers(questions.size());
  const auto now = std::chrono::system_clock::now();
  for (size_t i = 0; i < questions.size(); ++i) {
    Pending& one = pending[i];
    one.context = ContextFor(caller);
    if (patience.at_most && now + *patience.at_most < one.context->deadline()) {
      one.context->set_deadline(now + *patience.at_most);
    }
    answers[i].node = questions[i].node;
    one.reader = (answers[i].node->template stub<Stub>().*method)(one.context.get(),
                                                                  questions[i].request, &queue);
    // Tags start with 1: null would be no tag.
    one.reader->Finish(&answers[i].response, &one.status, reinterpret_cast<void*>(i + 1));
  }
  bool enough = false;
  for (size_t left = questions.size(); left > 0; --left) {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    const size_t i = reinterpret_cast<size_t>(tag) - 1;
    answers[i].result = ResultOf(*answers[i].node, pending[i].status);
    if (enough || !patience.enough(answers[i])) continue;
    enough = true;
    for (const Pending& one : pending) one.context->TryCancel();
  }
  queue.Shutdown();
  void* tag = nullptr;
  for (bool ok = false; queue.Next(&tag, &ok);) continue;
  return answers;
}

/// The same question to each of `nodes`.
template <class Request>
std::vector<Question<Request>> ToEach(const std::vector<NodeLinkPtr>& nodes,
                                      const Request& request) {
  std::vector<Question<Request>> questions;
  for (const NodeLinkPtr& node : nodes) questions.push_back({node, request});
  return questions;
}

}  // namespace trivet::csi
