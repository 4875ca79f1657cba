#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace millrace::imports {

/// Steps' new names by their old ones.
using Renamed = std::map<std::string, std::string, std::less<>>;

/// JSONata as elastic.io evaluates it, over a message's body with `elasticio` (what earlier steps emitted) in it, as
/// JSONata over a message, to stand in `body.( … )`: `elasticio.step_1.body` and `$getPassthrough().step_1.body` become
/// `$$.passthrough.step-1.body`, `$$` becomes `$$.body`. Text in quotes and comments stays.
std::string carried_over(std::string_view expression, const Renamed& steps);

/// A mapper, fields → expressions, at any depth, as one JSONata expression over a message; empty if it has no field.
/// What is no JSONata is left out and told in `notes`.
std::string mapping_of(const boost::json::value& mapper, const Renamed& steps, std::vector<std::string>& notes);

/// A condition as one expression over a message; empty, with a note, if it is no JSONata.
std::string condition_of(std::string_view condition, const Renamed& steps, std::vector<std::string>& notes);

}  // namespace millrace::imports
