// Included before all else where ThreadSanitizer is, by what uses Protocol Buffers: under it the
// headers give a map field two numbers more, which Debian's library, built without, knows nothing
// of and takes for something else. Source: google/protobuf/map_field.h, MapFieldBase.
#pragma once

#include <memory>  // the C++ library is to know of it

#undef __SANITIZE_THREAD__
#include <google/protobuf/map_field.h>
#define __SANITIZE_THREAD__ 1
