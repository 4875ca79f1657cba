#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "component/credential.hpp"

/// What an installed program is told of the credential that its step names (docs/component-protocol.md).
namespace millrace::component {

/// A step's config as elastic.io's components read it: with the credential's own fields and, at `token_field`, its
/// OAuth 2.0 token in it; `_account` and `secretId` are the credential's name.
boost::json::object config_with_login(boost::json::object config, const std::string& credential,
                                      const std::string& token_field, const Login& login);

/// For a program over JSON lines: {"name", "type", "fields"}.
boost::json::object login_for_lines(const std::string& credential, const std::string& token_field, const Login& login);

/// For elastic.io's components that ask for it: the JSON text of an auth secret as their API has it (JSON:API), with
/// attributes {"type", "credentials", …}.
std::string secret_document(const std::string& workspace, const std::string& credential, const std::string& token_field,
                            const Login& login);

}  // namespace millrace::component
