#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::cluster {

/// Which of the members starts this instance of a step: all that know the same members say the same. Each step has the
/// members in an order of its own (rendezvous hashing: Thaler, Ravishankar, Using name-based mappings to increase hit
/// rates, 1998; over a hash that depends on the names alone), and its instances, counted from 1, go round in it: they
/// are spread as evenly as can be. When a member comes or goes, a step's first instance changes hands only if that
/// member gets or had it. nullptr: there are no members.
const std::string* owner_of(std::string_view step, std::uint32_t instance, const std::vector<std::string>& members);

}  // namespace millrace::cluster
