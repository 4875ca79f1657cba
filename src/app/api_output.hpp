#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "app/api_client.hpp"

namespace millrace::app {

/// Text of a member, or of a number; "-" for null and what is not there.
std::string cell(const boost::json::object& object, std::string_view name);
/// A time of the API (ms since the Unix epoch) for people, UTC.
std::string time_cell(const boost::json::object& object, std::string_view name);

/// Rows in columns, the first one being the heads.
void print_table(const std::vector<std::vector<std::string>>& rows);

/// Opens the API and does the work; says what went wrong and returns the ExitCode.
int with_api(const Server& server, const std::function<Status(ApiClient&)>& work);

}  // namespace millrace::app
