#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::cluster {

/// Which of the members starts this worker: all that know the same members say the same, and when one comes or goes
/// only the workers that it gets or had change hands. Rendezvous hashing (Thaler, Ravishankar: Using name-based
/// mappings to increase hit rates, 1998), over a hash that depends on the names alone. nullptr: there are no members.
const std::string* owner_of(std::string_view worker, const std::vector<std::string>& members);

}  // namespace millrace::cluster
