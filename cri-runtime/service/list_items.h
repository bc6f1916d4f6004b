#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include "cri-runtime/state/encoded.h"

namespace trivet::cri {

/// The items of a list's answer, whose bytes are kept with what they say: an answer about hundreds
/// of pods is a copy, in place of a message of dozens of strings for each. On the wire they are
/// field `number` of the answer; in this process they are not: as bytes, they are fields it does
/// not know. Source: Protocol Buffers, "Encoding", repeated elements and unknown fields.
class ListItems {
 public:
  ListItems(google::protobuf::Message& answer, int number)
      : fields_(*answer.GetReflection()->MutableUnknownFields(&answer)), number_(number) {}

  /// `fill` writes what `from` is into a `Message`, unless that was done before.
  template <class Message, class From>
  void Add(const From& from, void (*fill)(const From&, Message&)) {
    fields_.AddLengthDelimited(number_, from.encoded.Get([&] {
      Message message;
      fill(from, message);
      return message.SerializeAsString();
    }));
  }

 private:
  google::protobuf::UnknownFieldSet& fields_;
  int number_;
};

}  // namespace trivet::cri
