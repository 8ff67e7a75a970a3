// Messages for plug-in authors: include this and nothing else of hyperroute.
//
// `layout` is that of a LayoutImage, which has verified it (native/codec/layout.h). Find the fields
// once, then bind and read, or begin and write:
//
//   struct OrderFields {
//     Field<uint64_t> id;
//     Optional<StringField> text;  // Optional, or added by a later version.
//     GroupField fills;
//     Field<uint32_t> fill_qty;
//   };
//   FieldFinder find(layout);
//   find("id", order.id)("text", order.text)("fills", order.fills)("fills.qty", order.fill_qty);
//   if (find.fault() != FieldFault::kNone) …  // find.path() is missing, or of another type.
//
//   Message message;
//   if (bind(layout, frame, frame_bytes, message) != MessageFault::kNone) …
//   message.get(order.id); message.get(order.text);
//   for (const Block fill : message.get(order.fills)) fill.get(order.fill_qty);
//
//   MessageWriter writer;
//   writer.begin(layout, memory);
//   writer.set(order.id, 7);
//   writer.set(order.text, "hello");
//   EntryWriter fill = writer.group(order.fills, 2);
//   fill.set(order.fill_qty, 10);
//   fill.next();
//   fill.set(order.fill_qty, 20);
//   const uint32_t message_bytes = writer.finish();  // 0: writer.fault() says why.
//
// Plain C++20: no exceptions, no RTTI, no allocation, nothing to link.
//
// Thread: a layout is immutable and read by any; a message, writer or handle belongs to whoever
// made it. Data path: all of it but the search for fields.
#pragma once

#include "bind_datapath.h"
#include "codes.h"
#include "fields.h"
#include "layout.h"
#include "layout_format.h"
#include "read_datapath.h"
#include "write_datapath.h"
