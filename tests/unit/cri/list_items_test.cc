#include "cri-runtime/service/list_items.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <thread>
#include <vector>

#include "cri-runtime/service/answers.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using google::protobuf::util::MessageDifferencer;

state::Sandbox Named(const std::string& name) {
  sandbox::Record record{.id = name + "-id", .created_at_ns = 7};
  record.config.metadata = {.name = name, .uid = "uid", .namespace_name = "default", .attempt = 2};
  record.config.labels = {{"app", name}, {"io.kubernetes.pod.name", name}};
  record.config.annotations = {{"note", std::string(300, 'n')}};
  return {std::make_shared<const sandbox::Record>(std::move(record)),
          {.phase = sandbox::Phase::kReady}};
}

v1::PodSandbox MessageOf(const state::Sandbox& sandbox) {
  v1::PodSandbox message;
  FillSandbox(sandbox, message);
  return message;
}

// As a client gets it.
v1::ListPodSandboxResponse Received(const v1::ListPodSandboxResponse& answer) {
  v1::ListPodSandboxResponse received;
  EXPECT_TRUE(received.ParseFromString(answer.SerializeAsString()));
  return received;
}

TEST(ListItems, AreTheMessagesForAClient) {
  const state::Sandbox first = Named("first");
  const state::Sandbox second = Named("second");
  v1::ListPodSandboxResponse answer;
  ListItems items(answer, v1::ListPodSandboxResponse::kItemsFieldNumber);
  items.Add(first, FillSandbox);
  items.Add(second, FillSandbox);

  const auto received = Received(answer);
  EXPECT_TRUE(received.GetReflection()->GetUnknownFields(received).empty());
  ASSERT_EQ(received.items_size(), 2);
  EXPECT_TRUE(MessageDifferencer::Equals(received.items(0), MessageOf(first)));
  EXPECT_TRUE(MessageDifferencer::Equals(received.items(1), MessageOf(second)));
}

TEST(ListItems, AreMadeOnce) {
  const state::Sandbox sandbox = Named("pod");
  static int made = 0;
  for (int list = 0; list < 3; ++list) {
    v1::ListPodSandboxResponse answer;
    ListItems(answer, v1::ListPodSandboxResponse::kItemsFieldNumber)
        .Add(
            sandbox, +[](const state::Sandbox& from, v1::PodSandbox& to) {
              ++made;
              FillSandbox(from, to);
            });
    EXPECT_EQ(Received(answer).items(0).id(), "pod-id");
  }
  EXPECT_EQ(made, 1);
}

TEST(ListItems, TellOfAStateThatHasChanged) {
  const state::Sandbox ready = Named("pod");
  v1::ListPodSandboxResponse before;
  ListItems(before, v1::ListPodSandboxResponse::kItemsFieldNumber).Add(ready, FillSandbox);

  state::Sandbox ended = ready;  // as the store makes the next state
  ended.state.phase = sandbox::Phase::kNotReady;
  v1::ListPodSandboxResponse after;
  ListItems(after, v1::ListPodSandboxResponse::kItemsFieldNumber).Add(ended, FillSandbox);
  EXPECT_EQ(Received(before).items(0).state(), v1::SANDBOX_READY);
  EXPECT_EQ(Received(after).items(0).state(), v1::SANDBOX_NOTREADY);
}

TEST(Encoded, IsOneForAllThatAskAtOnce) {
  const state::Encoded encoded;
  std::vector<const std::string*> seen(8);
  {
    std::vector<std::jthread> threads;
    for (auto& bytes : seen) {
      threads.emplace_back([&] { bytes = &encoded.Get([] { return std::string(1000, 'x'); }); });
    }
  }
  EXPECT_THAT(seen, ::testing::Each(seen.front()));
  EXPECT_EQ(*seen.front(), std::string(1000, 'x'));
}

}  // namespace
}  // namespace trivet::cri
