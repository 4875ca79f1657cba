#include "components/email/mail_server.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <unistd.h>

namespace millrace::components {

Result<io::MailCall> read_mail_server(const component::Config& config) {
  io::MailCall call;
  const std::string text = config.text("smtp");
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || (parsed->scheme() != "smtp" && parsed->scheme() != "smtps") || parsed->host().empty()) {
    return Error{Error::Kind::invalid, "config.smtp: must be smtp://host:port or smtps://host:port"};
  }
  boost::urls::url url(*parsed);
  call.username = config.has("username") ? config.text("username") : url.user();
  call.password = config.has("password") ? config.text("password") : url.password();
  url.remove_userinfo();
  call.url = std::string(url.buffer());
  const auto starttls = config.text("starttls");
  call.starttls = parsed->scheme() == "smtp" && starttls != "never";
  call.starttls_required = starttls == "always";
  call.timeout = config.duration("timeout");
  call.tls.verify = config.boolean("tls_verify");
  call.tls.ca_file = config.text("tls_ca_file");
  if (!call.tls.ca_file.empty() && ::access(call.tls.ca_file.c_str(), R_OK) != 0) {
    return Error{Error::Kind::not_found, "config.tls_ca_file: cannot read " + call.tls.ca_file};
  }
  return call;
}

}  // namespace millrace::components
