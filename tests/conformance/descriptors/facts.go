// Package descriptors compares the project's own .proto files with the published Go modules.
package descriptors

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/container-storage-interface/spec/lib/go/csi"
)

// Facts is all that a peer on the wire depends on: full name -> what is true of it.
type Facts map[string]string

// FactsOf lists the facts of one file: services, calls, messages, fields, enums, values, extensions.
func FactsOf(file protoreflect.FileDescriptor) Facts {
	facts := Facts{"package": string(file.Package())}
	for service := range each(file.Services()) {
		facts.addService(service)
	}
	for enum := range each(file.Enums()) {
		facts.addEnum(enum)
	}
	for message := range each(file.Messages()) {
		facts.addMessage(message)
	}
	for extension := range each(file.Extensions()) {
		facts.add(extension, "extends %s: %s", extension.ContainingMessage().FullName(), fieldFacts(extension))
	}
	return facts
}

// Differences lists what only one side has or what the sides say differently, sorted by name.
func Differences(ours, published Facts) []string {
	names := maps.Clone(published)
	maps.Copy(names, ours)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		our, weHave := ours[name]
		their, theyHave := published[name]
		switch {
		case !weHave:
			found = append(found, fmt.Sprintf("%s: missing, published as %q", name, their))
		case !theyHave:
			found = append(found, fmt.Sprintf("%s: not published, ours is %q", name, our))
		case our != their:
			found = append(found, fmt.Sprintf("%s: ours is %q, published is %q", name, our, their))
		}
	}
	return found
}

func (facts Facts) add(thing protoreflect.Descriptor, format string, values ...any) {
	facts[string(thing.FullName())] = fmt.Sprintf(format, values...) + options(thing)
}

func (facts Facts) addService(service protoreflect.ServiceDescriptor) {
	facts.add(service, "service")
	for call := range each(service.Methods()) {
		facts.add(call, "rpc %s%s -> %s%s", stream(call.IsStreamingClient()), call.Input().FullName(),
			stream(call.IsStreamingServer()), call.Output().FullName())
	}
}

func (facts Facts) addEnum(enum protoreflect.EnumDescriptor) {
	facts.add(enum, "enum reserved=%v,%v", list(enum.ReservedRanges()), list(enum.ReservedNames()))
	for value := range each(enum.Values()) {
		// Values live beside their enum; the enum's name makes them unique and readable.
		facts[string(enum.FullName())+"."+string(value.Name())] = fmt.Sprint(value.Number()) + options(value)
	}
}

func (facts Facts) addMessage(message protoreflect.MessageDescriptor) {
	facts.add(message, "message map=%v reserved=%v,%v", message.IsMapEntry(),
		list(message.ReservedRanges()), list(message.ReservedNames()))
	for field := range each(message.Fields()) {
		facts.add(field, "%s", fieldFacts(field))
	}
	for enum := range each(message.Enums()) {
		facts.addEnum(enum)
	}
	for inner := range each(message.Messages()) {
		facts.addMessage(inner)
	}
}

func fieldFacts(field protoreflect.FieldDescriptor) string {
	kind := field.Kind().String()
	if field.Message() != nil {
		kind = string(field.Message().FullName())
	} else if field.Enum() != nil {
		kind = string(field.Enum().FullName())
	}
	oneof := ""
	if field.ContainingOneof() != nil {
		oneof = " oneof " + string(field.ContainingOneof().Name())
	}
	return fmt.Sprintf("%d %s %s%s packed=%v presence=%v json=%s", field.Number(), field.Cardinality(), kind,
		oneof, field.IsPacked(), field.HasPresence(), field.JSONName())
}

// options lists those that change how a thing is to be used. debug_redact is left out: protoc 3.21
// does not know it.
func options(thing protoreflect.Descriptor) string {
	text := ""
	if deprecated, ok := thing.Options().(interface{ GetDeprecated() bool }); ok && deprecated.GetDeprecated() {
		text += " deprecated"
	}
	for _, option := range []protoreflect.ExtensionType{csi.E_CsiSecret, csi.E_AlphaField, csi.E_AlphaEnum,
		csi.E_AlphaEnumValue, csi.E_AlphaMessage, csi.E_AlphaMethod, csi.E_AlphaService} {
		if proto.HasExtension(thing.Options(), option) {
			text += fmt.Sprintf(" %s=%v", option.TypeDescriptor().Name(), proto.GetExtension(thing.Options(), option))
		}
	}
	return text
}

func stream(is bool) string {
	if is {
		return "stream "
	}
	return ""
}
