#pragma once

#include "broker/broker.hpp"

namespace millrace::broker {

/// Checks what a publisher wrote into a message's properties, and does what they ask of the broker:
///  - user-id is the connection's user, expiration is a number of milliseconds (406 otherwise),
///  - the headers CC and BCC become Message::copies,
///  - a reply-to of amq.rabbitmq.reply-to becomes `reply_queue` (406 if that is empty: nobody awaits replies).
/// Malformed properties are refused with syntax_error (502).
Answer<Done> take_properties(Message& message, std::string_view user, const std::string& reply_queue);

/// The properties as a client may see them, without the header BCC, which a message keeps for its dead-lettering.
/// `changed` has what is returned if there was one.
const std::string& without_hidden_keys(const std::string& properties, std::string& changed);

}  // namespace millrace::broker
