// Verification of a route image: counts, message families and endpoints. Pools, routes, programs
// and transforms have files of their own.
// Thread: control thread, before the image is installed. Not on the data path.
#include "route/image_verify.h"

#include <vector>

#include "include/hyperroute/codes.h"

namespace hyperroute {

Status verify_tables(const ImageTables& tables, uint32_t reject_code_max,
                     std::vector<MessageLayout>& layouts) {
  return ImageVerifier(tables, reject_code_max, layouts).verify();
}

Status ImageVerifier::verify() {
  HR_TRY(verify_counts());
  HR_TRY(verify_correlations());
  HR_TRY(verify_plugins());
  HR_TRY(verify_pools());
  HR_TRY(verify_views());
  for (uint32_t index = 0; index < tables_.text_maps.count; ++index) {
    HR_TRY(verify_text_map(tables_.text_maps[index]));
  }
  HR_TRY(verify_families());
  for (uint32_t index = 0; index < tables_.transforms.count; ++index) {
    HR_TRY(verify_transform(tables_.transforms[index]));
  }
  for (uint32_t index = 0; index < tables_.transforms.count; ++index) {
    HR_TRY(verify_message_variables(index));
  }
  for (uint32_t index = 0; index < tables_.routes.count; ++index) {
    HR_TRY(verify_route(tables_.routes[index], index));
  }
  HR_TRY(verify_endpoints());
  return verify_carriers();
}

Status ImageVerifier::charge(uint64_t work) {
  work_ += work;
  HR_IMAGE_REQUIRE(work_ <= kVerifyWorkMax, "the tables refer to each other too often");
  return Status::success();
}

Status ImageVerifier::verify_run(uint32_t first, uint64_t count, uint32_t total, const char* what) {
  HR_IMAGE_REQUIRE(first <= total && count <= total - first, "%s: %llu from %u of %u", what,
                   static_cast<unsigned long long>(count), first, total);
  return charge(count);
}

Status ImageVerifier::verify_code(uint32_t code) const {
  HR_IMAGE_REQUIRE(code >= 1 && code <= reject_code_max_, "reject code %u", code);
  return Status::success();
}

Status ImageVerifier::verify_keys(uint32_t first, uint32_t count, uint32_t steps) {
  HR_IMAGE_REQUIRE(steps < 32, "a search of %u steps", steps);
  const uint32_t padded_count = static_cast<uint32_t>((1ull << steps) - 1);
  HR_IMAGE_REQUIRE(count <= padded_count, "%u keys in a search of %u steps", count, steps);
  HR_TRY(verify_run(first, padded_count, tables_.bounds.count, "search keys"));
  for (uint32_t index = 1; index < count; ++index) {
    HR_IMAGE_REQUIRE(tables_.bounds[first + index - 1] < tables_.bounds[first + index],
                     "search keys are not ascending");
  }
  for (uint32_t index = count; index < padded_count; ++index) {
    HR_IMAGE_REQUIRE(tables_.bounds[first + index] == UINT64_MAX, "search keys are not padded");
  }
  return Status::success();
}

Status ImageVerifier::verify_counts() const {
  HR_IMAGE_REQUIRE(reject_code_max_ <= kRejectCodeUserMax, "reject codes up to %u",
                   reject_code_max_);
  // Indices are u16 and kNoIndex is none, so none of these may reach it.
  HR_IMAGE_REQUIRE(tables_.endpoints.count >= 1 && tables_.endpoints.count <= kEndpointsMax,
                   "%u endpoints", tables_.endpoints.count);
  HR_IMAGE_REQUIRE(tables_.actions.count <= kNoIndex, "%u actions", tables_.actions.count);
  HR_IMAGE_REQUIRE(tables_.carriers.count < kNoIndex, "%u carriers", tables_.carriers.count);
  HR_IMAGE_REQUIRE(tables_.pools.count < kNoIndex, "%u pools", tables_.pools.count);
  HR_IMAGE_REQUIRE(tables_.routes.count < kNoIndex, "%u routes", tables_.routes.count);
  HR_IMAGE_REQUIRE(tables_.transforms.count < kNoIndex, "%u transforms", tables_.transforms.count);
  HR_IMAGE_REQUIRE(tables_.families.count < kNoIndex, "%u families", tables_.families.count);
  HR_IMAGE_REQUIRE(tables_.views.count < kNoIndex, "%u views", tables_.views.count);
  return Status::success();
}

Status ImageVerifier::verify_families() {
  for (uint32_t index = 0; index < tables_.families.count; ++index) {
    const FamilyRecord& family = tables_.families[index];
    HR_IMAGE_REQUIRE(family.kind <= FamilyKind::kSearch, "family %u: unknown kind", index);
    const bool one = family.kind == FamilyKind::kRaw || family.kind == FamilyKind::kSingle;
    HR_IMAGE_REQUIRE(
        one ? family.member_count == 1 : family.member_count >= 1 && family.member_count < kNoIndex,
        "family %u: %u members", index, family.member_count);
    if (family.kind == FamilyKind::kRaw) continue;
    HR_TRY(verify_run(family.members, family.member_count, tables_.members.count, "members"));
    for (uint32_t slot = 0; slot < family.member_count; ++slot) {
      HR_TRY(verify_member(tables_.members[family.members + slot]));
    }
    if (!one) HR_TRY(verify_discriminator(family, index));
  }
  return Status::success();
}

Status ImageVerifier::verify_discriminator(const FamilyRecord& family, uint32_t index) {
  HR_IMAGE_REQUIRE(field_fits(family.load, family.offset, family.message_bytes_min) &&
                       family.message_bytes_min <= kViewBytesMax,
                   "family %u: the discriminator lies outside its message", index);
  const bool direct = family.kind == FamilyKind::kDirect;
  const uint32_t slot_count = direct ? 256 : family.member_count;
  HR_TRY(verify_run(family.slots, slot_count, tables_.slots.count, "discriminator"));
  if (!direct) HR_TRY(verify_keys(family.keys, family.member_count, family.steps));
  for (uint32_t slot = 0; slot < slot_count; ++slot) {
    const uint16_t member = tables_.slots[family.slots + slot];
    HR_IMAGE_REQUIRE(member < family.member_count || (direct && member == kNoIndex),
                     "family %u: a discriminator value names no member", index);
  }
  return Status::success();
}

Status ImageVerifier::verify_member(const MemberRecord& member) const {
  HR_IMAGE_REQUIRE(member.schema != kNoIndex, "a member without a schema");
  HR_IMAGE_REQUIRE(member.message_bytes >= 1 && member.message_bytes <= kViewBytesMax,
                   "a message type of %u bytes", member.message_bytes);
  HR_IMAGE_REQUIRE(member.has_size <= 1, "a size flag of %u", member.has_size);
  if (member.view != kNoRecord) {
    HR_IMAGE_REQUIRE(member.view < tables_.views.count, "a member with view %u", member.view);
    const ViewRecord& view = tables_.views[member.view];
    HR_IMAGE_REQUIRE(view.view_bytes == member.message_bytes,
                     "a member of %u bytes with a view of %u", member.message_bytes,
                     view.view_bytes);
    HR_IMAGE_REQUIRE(member.has_size == 0 || view.kind == ViewKind::kForeign,
                     "a size field of a native message");
  }
  HR_IMAGE_REQUIRE(member.has_size == 0 ||
                       field_fits(member.size_load, member.size_offset, member.message_bytes),
                   "a size field lies outside its message");
  return Status::success();
}

static bool is_route_of(const RouteRecord& route, const MemberRecord& member) {
  const uint32_t view = route.view == kNoIndex ? kNoRecord : route.view;
  return route.schema == member.schema && route.message_bytes == member.message_bytes &&
         view == member.view;
}

Status ImageVerifier::verify_endpoints() {
  for (uint32_t index = 0; index < tables_.endpoints.count; ++index) {
    const EndpointRecord& endpoint = tables_.endpoints[index];
    HR_IMAGE_REQUIRE(endpoint.family < tables_.families.count, "endpoint %u: no family", index);
    const FamilyRecord& family = tables_.families[endpoint.family];
    HR_TRY(verify_run(endpoint.routes, family.member_count, tables_.endpoint_routes.count,
                      "endpoint routes"));
    for (uint32_t slot = 0; slot < family.member_count; ++slot) {
      const uint16_t route = tables_.endpoint_routes[endpoint.routes + slot];
      if (route == kNoIndex) continue;
      HR_IMAGE_REQUIRE(route < tables_.routes.count, "endpoint %u: no route %u", index, route);
      // A route reads fields of its own schema only, so it must never see another's bytes.
      MemberRecord member{};
      member.schema = kNoIndex;
      member.view = kNoRecord;
      if (family.kind != FamilyKind::kRaw) member = tables_.members[family.members + slot];
      HR_IMAGE_REQUIRE(is_route_of(tables_.routes[route], member),
                       "endpoint %u: route %u is for another message type", index, route);
    }
  }
  return Status::success();
}

// What a return address may name: exactly the endpoints that take the message type. Comes after
// the endpoints, whose families it relies on.
Status ImageVerifier::verify_carriers() {
  std::vector<bool> family_carries(tables_.families.count);
  for (uint32_t index = 0; index < tables_.carriers.count; ++index) {
    const CarriersRecord& carriers = tables_.carriers[index];
    for (uint32_t number = 0; number < tables_.families.count; ++number) {
      const FamilyRecord& family = tables_.families[number];
      const bool raw = family.kind == FamilyKind::kRaw;
      family_carries[number] = raw;
      HR_TRY(charge(family.member_count));
      for (uint32_t slot = 0; !raw && slot < family.member_count; ++slot) {
        const MemberRecord& member = tables_.members[family.members + slot];
        if (member.schema == carriers.schema && member.message_bytes == carriers.message_bytes)
          family_carries[number] = true;
      }
    }
    for (uint32_t endpoint = 0; endpoint < kEndpointsMax; ++endpoint) {
      const bool named = (carriers.endpoints[endpoint / 64] >> (endpoint % 64) & 1) != 0;
      const bool carries =
          endpoint < tables_.endpoints.count && family_carries[tables_.endpoints[endpoint].family];
      HR_IMAGE_REQUIRE(named == carries, "carriers %u are wrong about endpoint %u", index,
                       endpoint);
    }
  }
  return Status::success();
}

}  // namespace hyperroute
