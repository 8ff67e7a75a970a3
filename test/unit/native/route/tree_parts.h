// A search tree for tests, made node by node as its definition says.
#pragma once

#include <cstdint>
#include <vector>

#include "route/search_datapath.h"

namespace hyperroute {

struct TreeParts {
  std::vector<uint64_t> words;  // Starts of the levels, the keys, the levels above them.
  uint32_t first;               // Of the keys.
  uint32_t levels;
};

inline TreeParts tree_of(const std::vector<uint64_t>& keys) {
  std::vector<std::vector<uint64_t>> levels;
  levels.push_back(keys);
  levels[0].resize((keys.size() + kTreeNodeKeys - 1) / kTreeNodeKeys * kTreeNodeKeys, UINT64_MAX);
  // The first key below each node of the level that was made last.
  std::vector<uint64_t> firsts;
  for (size_t at = 0; at < keys.size(); at += kTreeNodeKeys) firsts.push_back(keys[at]);
  while (firsts.size() > 1) {
    std::vector<uint64_t> level;
    std::vector<uint64_t> above;
    for (size_t child = 0; child < firsts.size(); child += kTreeNodeKeys + 1) {
      above.push_back(firsts[child]);
      for (size_t at = child + 1; at <= child + kTreeNodeKeys; ++at) {
        level.push_back(at < firsts.size() ? firsts[at] : UINT64_MAX);
      }
    }
    levels.push_back(level);
    firsts = above;
  }
  TreeParts tree{
      {}, static_cast<uint32_t>(levels.size() - 1), static_cast<uint32_t>(levels.size() - 1)};
  tree.words.resize(tree.first);
  for (uint32_t level = 0; level < levels.size(); ++level) {
    if (level > 0) tree.words[tree.first - level] = tree.words.size() - tree.first;
    tree.words.insert(tree.words.end(), levels[level].begin(), levels[level].end());
  }
  return tree;
}

}  // namespace hyperroute
