// Verification of a route image: search trees. In a verified one a lookup leads from node to node
// that there are, and ends among the leaves at the bounds that are next to its key.
// Thread: control thread, before the image is installed. Not on the data path.
#include "route/image_verify.h"
#include "route/search_datapath.h"

namespace hyperroute {

Status ImageVerifier::verify_tree(uint32_t first, uint32_t count, uint32_t levels) {
  HR_IMAGE_REQUIRE(count >= 1 && levels <= kTreeLevelsMax && first >= levels,
                   "a tree of %u keys, %u levels", count, levels);
  uint64_t nodes = (count + uint64_t{kTreeNodeKeys} - 1) / kTreeNodeKeys;
  const uint64_t leaf_keys = nodes * kTreeNodeKeys;
  HR_TRY(verify_run(first, leaf_keys, tables_.bounds.count, "search keys"));
  const uint64_t* const leaves = tables_.bounds.from(first);
  for (uint32_t index = 1; index < count; ++index) {
    HR_IMAGE_REQUIRE(leaves[index - 1] < leaves[index], "search keys are not ascending");
  }
  for (uint64_t index = count; index < leaf_keys; ++index) {
    HR_IMAGE_REQUIRE(leaves[index] == UINT64_MAX, "search keys are not padded");
  }
  for (uint32_t level = 1; level <= levels; ++level) {
    HR_TRY(verify_tree_level(first, level, nodes, leaf_keys));
    nodes = (nodes + kTreeNodeKeys) / (kTreeNodeKeys + 1);
  }
  HR_IMAGE_REQUIRE(nodes == 1, "a tree with %llu roots", static_cast<unsigned long long>(nodes));
  return Status::success();
}

// `below`: the nodes of the level below it. Each key is the first that its node's subtree has.
Status ImageVerifier::verify_tree_level(uint32_t first, uint32_t level, uint64_t below,
                                        uint64_t leaf_keys) {
  const uint64_t* const leaves = tables_.bounds.from(first);
  const uint64_t start = *(leaves - level);
  const uint64_t nodes = (below + kTreeNodeKeys) / (kTreeNodeKeys + 1);
  HR_IMAGE_REQUIRE(start <= tables_.bounds.count - first, "a level outside the bounds");
  HR_TRY(verify_run(first + static_cast<uint32_t>(start), nodes * kTreeNodeKeys,
                    tables_.bounds.count, "a level of a tree"));
  uint64_t leaf_span = kTreeNodeKeys;  // Keys of the leaves below one node of the level below.
  for (uint32_t lower = 1; lower < level; ++lower) leaf_span *= kTreeNodeKeys + 1;
  for (uint64_t node = 0; node < nodes; ++node) {
    for (uint32_t index = 0; index < kTreeNodeKeys; ++index) {
      const uint64_t place = (node * (kTreeNodeKeys + 1) + index + 1) * leaf_span;
      const uint64_t expected = place < leaf_keys ? leaves[place] : UINT64_MAX;
      HR_IMAGE_REQUIRE(leaves[start + node * kTreeNodeKeys + index] == expected,
                       "a tree leads to the wrong node");
    }
  }
  return Status::success();
}

}  // namespace hyperroute
