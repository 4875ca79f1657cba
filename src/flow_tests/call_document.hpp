#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "io/transfers.hpp"

namespace millrace::flow_tests {

/// A request as stubs and expectations see it: method, url, query, headers (names in lower case), text, and body where
/// the text is JSON or a form.
boost::json::object document_of(const io::HttpCall& call);
/// A mail as stubs and expectations see it: smtp, from, to, cc, reply_to, recipients, subject, text, html, headers,
/// attachments.
boost::json::object document_of(const io::MailCall& call);

/// A body as JSON: what it is as JSON, a form's fields by its content type, else a text; null for none.
boost::json::value body_of(std::string_view text, std::string_view content_type);

}  // namespace millrace::flow_tests
