#pragma once

#include <string>
#include <string_view>

#include "broker/broker.hpp"

namespace millrace::broker {

/// The reply text of a close method as clients know it: the constant's name, then the sentence, "NOT_FOUND - no queue
/// 'x'".
std::string reply_text(const Refusal& refusal, const std::string& host = "/");

}  // namespace millrace::broker
