// Verification of a route image: pools, their slot tables and ids, and the keys of messages.
// Thread: control thread, before the image is installed. Not on the data path.
#include <array>

#include "route/image_verify.h"

namespace hyperroute {

static bool has_slots(PoolKind kind) {
  return kind == PoolKind::kWeighted || kind == PoolKind::kTwoChoices || is_keyed(kind);
}

Status ImageVerifier::verify_pools() {
  for (uint32_t index = 0; index < tables_.pools.count; ++index) {
    const PoolRecord& pool = tables_.pools[index];
    HR_IMAGE_REQUIRE(pool.kind < PoolKind::kCount, "pool %u: unknown kind", index);
    HR_IMAGE_REQUIRE(pool.panic <= PoolPanic::kPark, "pool %u: unknown panic policy", index);
    HR_IMAGE_REQUIRE(pool.reserved == 0, "pool %u: reserved bytes are not zero", index);
    const bool has_option = pool.kind == PoolKind::kLeastLoaded ||
                            pool.kind == PoolKind::kTwoChoices || pool.kind == PoolKind::kBroadcast;
    HR_IMAGE_REQUIRE(pool.option <= (has_option ? 1 : 0), "pool %u: option %u", index, pool.option);
    HR_TRY(verify_pool_members(pool, index));
    HR_TRY(verify_pool_slots(pool, index));
    HR_TRY(verify_pool_ids(pool, index));
  }
  return Status::success();
}

Status ImageVerifier::verify_pool_members(const PoolRecord& pool, uint32_t index) {
  HR_IMAGE_REQUIRE(pool.member_count >= 1, "pool %u is empty", index);
  HR_IMAGE_REQUIRE(pool.member_count <= kPoolMembersMax && pool.backup_count <= kPoolMembersMax,
                   "pool %u: %u members, %u backups", index, pool.member_count, pool.backup_count);
  const uint32_t count = uint32_t{pool.member_count} + pool.backup_count;
  HR_TRY(verify_run(pool.members, count, tables_.pool_members.count, "pool"));
  for (uint32_t number = 0; number < count; ++number) {
    const PoolMemberRecord& member = tables_.pool_members[pool.members + number];
    HR_IMAGE_REQUIRE(member.endpoint < tables_.endpoints.count,
                     "pool %u names an endpoint that does not exist", index);
    HR_IMAGE_REQUIRE(member.weight >= 1, "pool %u: a member without weight", index);
  }
  return Status::success();
}

// A slot's first member is one; behind the last there may be others that stand for none.
Status ImageVerifier::verify_pool_slots(const PoolRecord& pool, uint32_t index) {
  if (!has_slots(pool.kind)) {
    HR_IMAGE_REQUIRE(pool.slot_count == 0 && pool.ranks == 0 && pool.slots == 0,
                     "pool %u: slots of a strategy without any", index);
    return Status::success();
  }
  HR_IMAGE_REQUIRE(pool.slot_count >= 1 && pool.slot_count <= kPoolSlotsMax, "pool %u: %u slots",
                   index, pool.slot_count);
  HR_IMAGE_REQUIRE(pool.ranks >= 1 && pool.ranks <= kPoolRanksMax, "pool %u: slots of %u members",
                   index, pool.ranks);
  HR_IMAGE_REQUIRE(is_keyed(pool.kind) || pool.ranks == 1, "pool %u: slots of %u members", index,
                   pool.ranks);
  const bool is_partial = pool.kind == PoolKind::kTable;
  HR_TRY(verify_run(pool.slots, uint64_t{pool.slot_count} * pool.ranks, tables_.bytes.count,
                    "pool slots"));
  for (uint32_t slot = 0; slot < pool.slot_count * pool.ranks; ++slot) {
    const uint8_t number = tables_.bytes[pool.slots + slot];
    const bool may_be_none = is_partial && slot >= pool.slot_count;
    HR_IMAGE_REQUIRE(number < pool.member_count || (may_be_none && number == kNoMember),
                     "pool %u: a slot names no member", index);
  }
  return Status::success();
}

Status ImageVerifier::verify_pool_ids(const PoolRecord& pool, uint32_t index) {
  if (pool.kind != PoolKind::kSticky) {
    const bool has_function = pool.kind == PoolKind::kPlugin;
    HR_IMAGE_REQUIRE(pool.id_count == 0 && pool.id_steps == 0 && (pool.ids == 0 || has_function) &&
                         pool.id_members == 0,
                     "pool %u: ids of a strategy without any", index);
    if (!has_function) return Status::success();
    HR_TRY(verify_plugin_use(pool.ids, PluginKind::kPick, 0));
    HR_IMAGE_REQUIRE(tables_.plugins[pool.ids].member_count == pool.member_count,
                     "pool %u: a plug-in for %u members", index,
                     tables_.plugins[pool.ids].member_count);
    return Status::success();
  }
  HR_TRY(verify_keys(pool.ids, pool.id_count, pool.id_steps));
  HR_TRY(verify_run(pool.id_members, pool.id_count, tables_.bytes.count, "pool ids"));
  for (uint32_t id = 0; id < pool.id_count; ++id) {
    HR_IMAGE_REQUIRE(tables_.bytes[pool.id_members + id] < pool.member_count,
                     "pool %u: an id names no member", index);
  }
  return Status::success();
}

// The key that an action's pool is asked with, of the messages of the action's route.
Status ImageVerifier::verify_key(const ActionRecord& action, const RouteRecord& route) {
  const bool is_pool = action.kind == ActionKind::kPool;
  // A plug-in can do without one.
  const bool may_have_key = is_pool && tables_.pools[action.target].kind == PoolKind::kPlugin;
  const bool needs_key = (is_pool && is_keyed(tables_.pools[action.target].kind)) ||
                         (may_have_key && action.key != kNoRecord);
  HR_IMAGE_REQUIRE(needs_key == (action.key != kNoRecord), "a key of an action without, or none");
  if (!needs_key) return Status::success();
  HR_TRY(verify_run(action.key, 1, tables_.key_fields.count, "key"));
  const uint32_t more = tables_.key_fields[action.key].more;
  HR_IMAGE_REQUIRE(more < kKeyFieldsMax, "a key of %u fields", more + 1);
  HR_TRY(verify_run(action.key, uint64_t{more} + 1, tables_.key_fields.count, "key"));
  for (uint32_t number = 0; number <= more; ++number) {
    const KeyFieldRecord& field = tables_.key_fields[action.key + number];
    HR_IMAGE_REQUIRE(field.more == more - number, "a key that does not end");
    HR_TRY(verify_key_field(field, route));
  }
  const bool is_sticky = tables_.pools[action.target].kind == PoolKind::kSticky;
  HR_IMAGE_REQUIRE(
      !is_sticky || (more == 0 && tables_.key_fields[action.key].kind == KeyFieldKind::kInteger),
      "a key of ids that is no integer");
  return Status::success();
}

Status ImageVerifier::verify_key_field(const KeyFieldRecord& field,
                                       const RouteRecord& route) const {
  HR_IMAGE_REQUIRE(field.reserved == 0, "reserved bytes of a key are not zero");
  switch (field.kind) {
    case KeyFieldKind::kInteger:
      HR_IMAGE_REQUIRE(field_fits(field.load, field.offset, route.message_bytes),
                       "a key lies outside its message");
      break;
    case KeyFieldKind::kBytes:
      HR_IMAGE_REQUIRE(uint32_t{field.offset} + field.bytes <= route.message_bytes,
                       "a key lies outside its message");
      break;
    case KeyFieldKind::kSlot: {
      const bool is_native =
          route.view != kNoIndex && tables_.views[route.view].kind == ViewKind::kNative;
      HR_IMAGE_REQUIRE(is_native && is_text_slot(layouts_[route.view], field.offset),
                       "a key names no text of its message");
      break;
    }
    default:
      HR_IMAGE_REQUIRE(false, "an unknown kind of key");
  }
  HR_IMAGE_REQUIRE(field.kind == KeyFieldKind::kInteger || field.load == 0, "a load of text");
  HR_IMAGE_REQUIRE(field.kind == KeyFieldKind::kBytes || field.bytes == 0, "bytes of an integer");
  return Status::success();
}

}  // namespace hyperroute
