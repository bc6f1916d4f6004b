#include "common/manifest/manifest.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <sstream>

#include "common/linux/file.h"
#include "common/linux/state_file.h"

namespace trivet::manifest {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{8} << 20;
constexpr int kMaxDepth = 64;
constexpr size_t kMaxNodes = 200'000;  // of one document, aliases expanded: stops "billion laughs"

// Walks one YAML document. Complaints carry the field's path and line.
class Converter {
 public:
  explicit Converter(std::string_view name) : name_(name) {}

  Result<json::Value> Convert(const YAML::Node& node, const std::string& path, int depth) {
    if (depth > kMaxDepth) return Complain(node, path, "nested too deeply");
    if (++nodes_ > kMaxNodes) return Complain(node, path, "too many values");
    if (!node.IsDefined() || node.IsNull()) return json::Value(nullptr);
    if (node.IsScalar()) return Scalar(node, path);
    if (node.IsSequence()) return Sequence(node, path, depth);
    return Map(node, path, depth);
  }

 private:
  std::unexpected<Error> Complain(const YAML::Node& node, const std::string& path,
                                  std::string_view reason) {
    return Fail(Code::kInvalidArgument, "{}:{}: {}: {}", name_, node.Mark().line + 1,
                path.empty() ? "document" : path, reason);
  }

  Result<json::Value> Scalar(const YAML::Node& node, const std::string& path) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") return json::Value(text);  // quoted
    if (node.Tag() != "?" && !node.Tag().empty())
      return Complain(node, path, "tags are not allowed");
    return PlainScalar(text);
  }

  static json::Value PlainScalar(const std::string& text) {
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    if (text == "null" || text == "~" || text.empty()) return nullptr;
    const char* end = text.data() + text.size();
    int64_t number = 0;
    if (const auto parsed = std::from_chars(text.data(), end, number); parsed.ptr == end) {
      return parsed.ec == std::errc() ? json::Value(number) : json::Value(text);
    }
    double real = 0;
    const bool numeric = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
    if (const auto parsed = std::from_chars(text.data(), end, real);
        numeric && parsed.ec == std::errc() && parsed.ptr == end) {
      return real;
    }
    return text;
  }

  Result<json::Value> Sequence(const YAML::Node& node, const std::string& path, int depth) {
    json::Value list = json::Value::array();
    for (size_t i = 0; i < node.size(); ++i) {
      auto item = Convert(node[i], fmt::format("{}[{}]", path, i), depth + 1);
      if (!item) return item;
      list.push_back(*std::move(item));
    }
    return list;
  }

  Result<json::Value> Map(const YAML::Node& node, const std::string& path, int depth) {
    json::Value object = json::Value::object();
    for (const auto& member : node) {
      if (!member.first.IsScalar()) return Complain(node, path, "a key is not a string");
      const std::string& key = member.first.Scalar();
      const std::string member_path = path.empty() ? key : path + "." + key;
      // What it would bring in, labels perhaps, must not be missing unseen.
      if (key == "<<") return Complain(member.first, member_path, "merge keys are not allowed");
      if (object.contains(key)) return Complain(member.first, member_path, "given twice");
      auto value = Convert(member.second, member_path, depth + 1);
      if (!value) return value;
      object[key] = *std::move(value);
    }
    return object;
  }

  std::string_view name_;
  size_t nodes_ = 0;
};

Result<> CheckObject(const Document& document) {
  const json::Value& object = document.object;
  if (!object.is_object()) {
    return Fail(Code::kInvalidArgument, "{}: not a Kubernetes object", document.origin);
  }
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(object, "apiVersion", text), document.origin);
  RETURN_IF_ERROR(json::ReadRequired(object, "kind", text), document.origin);
  if (text == "List") return {};
  if (!object.contains("metadata") || !object["metadata"].is_object()) {
    return Fail(Code::kInvalidArgument, "{}: metadata: missing", document.origin);
  }
  RETURN_IF_ERROR(json::ReadRequired(object["metadata"], "name", text),
                  document.origin + ": metadata");
  return {};
}

Result<> Append(std::vector<Document>& documents, Document document) {
  if (document.object.is_null()) return {};
  RETURN_IF_ERROR(CheckObject(document));
  if (document.Kind() != "List") {
    documents.push_back(std::move(document));
    return {};
  }
  const json::Value items = document.object.value("items", json::Value());
  if (!items.is_array() && !items.is_null()) {
    return Fail(Code::kInvalidArgument, "{}: items: not a list", document.origin);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    Document item{.origin = fmt::format("{}: items[{}]", document.origin, i), .object = items[i]};
    RETURN_IF_ERROR(CheckObject(item));
    if (item.Kind() == "List") {
      return Fail(Code::kInvalidArgument, "{}: a list in a list", item.origin);
    }
    documents.push_back(std::move(item));
  }
  return {};
}

// yaml-cpp 0.7 never gets past a "," between documents, and loading takes all memory: the mark of
// each document's beginning must lie behind the one before.
class DocumentMarks : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos <= last_) throw YAML::ParserException(mark, "unexpected token between documents");
    last_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  int last_ = -1;
};

Result<std::vector<YAML::Node>> LoadNodes(std::string_view text, std::string_view name) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    DocumentMarks marks;
    while (parser.HandleNextDocument(marks)) {
    }
    return YAML::LoadAll(std::string(text));
  } catch (const YAML::Exception& e) {
    return Fail(Code::kInvalidArgument, "{}:{}: {}", name, e.mark.line + 1, e.msg);
  }
}

bool IsManifestName(const std::filesystem::path& file) {
  const auto extension = file.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

}  // namespace

Result<std::vector<Document>> Parse(std::string_view text, std::string_view name) {
  ASSIGN_OR_RETURN(const auto nodes, LoadNodes(text, name));
  std::vector<Document> documents;
  for (const YAML::Node& node : nodes) {
    ASSIGN_OR_RETURN(json::Value object, Converter(name).Convert(node, "", 0));
    Document document{.origin = fmt::format("{}:{}", name, node.Mark().line + 1),
                      .object = std::move(object)};
    RETURN_IF_ERROR(Append(documents, std::move(document)));
  }
  return documents;
}

Result<json::Value> ParseYaml(std::string_view text, std::string_view name) {
  ASSIGN_OR_RETURN(const auto nodes, LoadNodes(text, name));
  if (nodes.size() != 1) {
    return Fail(Code::kInvalidArgument, "{}: {} documents, not one", name, nodes.size());
  }
  return Converter(name).Convert(nodes.front(), "", 0);
}

Result<std::vector<Document>> Load(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes), "manifest");
    return Parse(text, path.native());
  }
  std::vector<Document> documents;
  ASSIGN_OR_RETURN(const auto names, ListDirectory(path), "manifests");
  for (const std::string& name : names) {
    if (name.starts_with('.') || !IsManifestName(name)) continue;
    ASSIGN_OR_RETURN(auto loaded, LoadRegular(path / name));
    std::move(loaded.begin(), loaded.end(), std::back_inserter(documents));
  }
  return documents;
}

Result<std::vector<Document>> LoadRegular(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadRegularFile(file, kMaxFileBytes, LastLink::kIsFollowed), "manifest");
  return Parse(text, file.native());
}

}  // namespace trivet::manifest
