#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/json.h"
#include "csi/volume/capability.h"
#include "csi/volume/content.h"
#include "csi/volume/encryption.h"
#include "csi/volume/use.h"

/// The JSON keys that several records share. Errors:
/// kInvalidArgument naming the key and the reason.
namespace trivet::csi::fields {

/// "version": from 1 to `newest`.
Result<> CheckVersion(const json::Value& root, int newest);
/// "id": the one that the file's name says.
Result<> CheckId(const std::string& id, std::string_view expected);
/// A size that a volume can have.
Result<> CheckSize(uint64_t size_bytes);
/// A volume that was formatted, or begun to be, has the UUID that mkfs was given.
Result<> CheckUuid(Content content, const std::string& uuid);

/// "content".
std::string_view NameOf(Content content);
Result<> ReadContent(const json::Value& root, Content& out);

/// "encryption", when there is any: an object with "uuid" and "ready".
void WriteEncryption(const Encryption& encryption, json::Value& root);
Result<> ReadEncryption(const json::Value& root, Encryption& out);

/// "mount", "block" and "fileSystem".
void WriteUsage(const Usage& usage, json::Value& root);
Result<> ReadUsage(const json::Value& root, Usage& out);

/// An object of its own: "accessType", "accessMode", "fileSystem", "mountFlags" and "readOnly".
json::Value WriteUse(const Use& use);
Result<Use> ReadUse(const json::Value& value);

}  // namespace trivet::csi::fields
