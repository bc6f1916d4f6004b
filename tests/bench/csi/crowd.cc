#include "tests/bench/csi/crowd.h"

#include <barrier>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/bench/csi/client.h"

namespace trivet::bench::crowd {
namespace {

void Print(const std::vector<std::unique_ptr<Client>>& clients) {
  Client::Times all;
  for (const auto& client : clients) {
    for (const auto& [name, times] : client->times()) {
      all[name].insert(all[name].end(), times.begin(), times.end());
    }
  }
  for (auto& [name, times] : all) {
    PrintTimes(std::to_string(clients.size()) + " clients: " + name, times);
    std::printf("\n");
  }
}

}  // namespace

void Run(const std::string& socket, const std::string& folder, int clients, int rounds) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  std::vector<std::unique_ptr<Client>> all;
  for (int client = 0; client < clients; ++client) {
    const std::string own = folder + "/client-" + std::to_string(client);
    all.push_back(std::make_unique<Client>(socket, own, "ext4"));
  }
  std::barrier together(clients);
  const auto live = [&](Client& client, const std::string& name) {
    for (int round = 0; round < rounds; ++round) {
      std::string id;
      const std::function<void()> steps[] = {
          [&] { id = client.Create("CreateVolume", name + "-" + std::to_string(round), kBytes); },
          [&] { client.Stage("NodeStageVolume", id); },
          [&] { client.Publish("NodePublishVolume", id); },
          [&] { client.Unpublish("NodeUnpublishVolume", id); },
          [&] { client.Unstage("NodeUnstageVolume", id); },
          [&] { client.Delete("DeleteVolume", id); },
      };
      for (const auto& step : steps) {
        together.arrive_and_wait();
        step();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int client = 0; client < clients; ++client) {
      threads.emplace_back(live, std::ref(*all[static_cast<size_t>(client)]),
                           "crowd-" + std::to_string(client));
    }
  }
  Print(all);
}

void Fill(const std::string& socket, const std::string& folder, int volumes) {
  Client client(socket, folder, "block");
  for (int volume = 0; volume < volumes; ++volume) {
    client.Create("CreateVolume", "fill-" + std::to_string(volume), int64_t{1} << 20);
  }
}

void Show(const std::string& socket, const std::string& folder, int64_t bytes) {
  Client client(socket, folder, "block");
  const std::string id = client.Create("CreateVolume", "raw", bytes);
  client.Stage("NodeStageVolume", id);
  client.Publish("NodePublishVolume", id);
  std::printf("%s\n", id.c_str());
}

}  // namespace trivet::bench::crowd
