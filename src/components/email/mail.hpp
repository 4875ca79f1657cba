#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "components/email/address.hpp"
#include "io/loop.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

/// A mail as a message's body describes it: to, cc, bcc, from, reply_to, subject, text, html, attachments.
struct Mail {
  std::optional<Address> from;
  std::vector<Address> to;
  std::vector<Address> cc;
  std::vector<Address> bcc;
  std::vector<Address> reply_to;
  std::optional<std::string> subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::vector<io::MailPart> attachments;

  /// A Failure with code "email.<field>" says what is wrong with the field, so also for line breaks in what becomes a
  /// header: a mail's headers cannot be extended from its message.
  static Result<Mail, component::Failure> read(std::string_view body_json);

  /// Fills in recipients, headers and parts of a call that has its server set. `from` must be there, and a recipient.
  void put_into(io::MailCall& call, std::string_view message_id, io::WallTime now) const;
  /// The header Message-ID that a mail made from that message has, whenever it is made.
  std::string message_id_header(std::string_view message_id) const;
};

}  // namespace millrace::components
