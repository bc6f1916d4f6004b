#include "ctl/node/environment.h"

#include <fmt/ranges.h>

namespace trivet::ctl {
namespace {

// "metadata.labels['app']" -> the label app; the reader has checked the shape.
std::string KeyedField(const std::string& path, const std::map<std::string, std::string>& values) {
  const size_t begin = path.find("['") + 2;
  const auto found = values.find(path.substr(begin, path.size() - begin - 2));
  return found == values.end() ? "" : found->second;
}

std::string FieldValue(const Pod& pod, const PodPlace& place, const std::string& path) {
  if (path.starts_with("metadata.labels[")) return KeyedField(path, pod.metadata.labels);
  if (path.starts_with("metadata.annotations[")) return KeyedField(path, pod.metadata.annotations);
  const std::map<std::string_view, std::string> values = {
      {"metadata.name", pod.metadata.name},
      {"metadata.namespace", pod.metadata.name_space},
      {"metadata.uid", place.uid},
      {"spec.nodeName", place.node_name},
      {"spec.serviceAccountName", pod.service_account},
      {"status.podIP", place.pod_ips.empty() ? "" : place.pod_ips.front()},
      {"status.podIPs", fmt::format("{}", fmt::join(place.pod_ips, ","))}};
  const auto found = values.find(path);
  return found == values.end() ? "" : found->second;
}

}  // namespace

std::string Expand(std::string_view text, const std::map<std::string, std::string>& variables) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (text[at] != '$' || (next != '$' && next != '(')) {
      out += text[at];
      continue;
    }
    const size_t close = next == '(' ? text.find(')', at) : std::string_view::npos;
    if (next == '$') {
      out += '$';
      ++at;
    } else if (close == std::string_view::npos) {
      out += '$';
    } else {
      const auto found = variables.find(std::string(text.substr(at + 2, close - at - 2)));
      out += found == variables.end() ? text.substr(at, close - at + 1) : found->second;
      at = close;
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> MakeEnvironment(const Pod& pod,
                                                                 const Container& container,
                                                                 const PodPlace& place) {
  std::vector<std::pair<std::string, std::string>> environment;
  std::map<std::string, std::string> known;
  for (const EnvVar& variable : container.env) {
    std::string value = variable.field_path.empty() ? Expand(variable.value, known)
                                                    : FieldValue(pod, place, variable.field_path);
    known[variable.name] = value;
    environment.emplace_back(variable.name, std::move(value));
  }
  return environment;
}

}  // namespace trivet::ctl
