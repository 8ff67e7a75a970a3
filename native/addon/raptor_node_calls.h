// The calls that are made for every message: offer, poll and flush of the nodes of an environment.
//
// A method of a wrapped object finds its object by a private property, which costs more than all
// else that a poll without news does. These are functions of plain N-API instead, the same ones for
// every node, so that compiled JavaScript calls them directly; they are told a node by its number.
// Thread: JavaScript. Data path.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <vector>

namespace hyperroute {

class RaptorNodeObject;

// The nodes of one environment by their numbers. It lives as long as a node, the class or a
// function that refers to it, in whatever order the environment lets go of them.
class RaptorNodeTable {
 public:
  // With one reference, the caller's.
  static RaptorNodeTable* create() { return new RaptorNodeTable; }
  RaptorNodeTable(const RaptorNodeTable&) = delete;
  RaptorNodeTable& operator=(const RaptorNodeTable&) = delete;

  void retain() { ++reference_count_; }
  void release() {
    if (--reference_count_ == 0) delete this;
  }

  // A node's number, until it is removed. JavaScript forgets it together with the object, so a
  // number that is given again means one node at a time.
  uint32_t add(RaptorNodeObject* node);
  void remove(uint32_t number) { nodes_[number] = nullptr; }
  // Null: there is none.
  [[nodiscard]] RaptorNodeObject* at(uint32_t number) const {
    return number < nodes_.size() ? nodes_[number] : nullptr;
  }

 private:
  RaptorNodeTable() = default;
  ~RaptorNodeTable() = default;

  uint32_t reference_count_ = 1;
  std::vector<RaptorNodeObject*> nodes_;
};

// Makes them functions of the class, offer(node, publication, message), poll(node) and flush(node),
// and gives the table to it. An environment that ends meanwhile gets none of it.
void define_raptor_node_calls(napi_env env, napi_value node_class, RaptorNodeTable* table);

}  // namespace hyperroute
