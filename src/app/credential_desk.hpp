#pragma once

#include <functional>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "app/credential_command.hpp"
#include "core/result.hpp"

namespace millrace::app {

/// Credentials wherever they can be had: from a platform's API, or from its data folder while none runs there. Objects
/// are those of the API.
class CredentialDesk {
 public:
  virtual ~CredentialDesk() = default;
  virtual Result<boost::json::array> list() = 0;
  virtual Result<boost::json::object> show(const std::string& name) = 0;
  /// New, or another in its place.
  virtual Result<boost::json::object> put(const std::string& name, const boost::json::object& definition) = 0;
  virtual Status remove(const std::string& name) = 0;
  /// What the credentials of an installed component hold (component::credential_form_json).
  virtual Result<boost::json::object> form(const std::string& component) = 0;
};

enum class Absent { fail, create };

/// Opens the one that the options mean, and does the work. `absent`: a data folder that is not there.
Status with_credential_desk(const CredentialOptions& options, Absent absent,
                            const std::function<Status(CredentialDesk&)>& work);

}  // namespace millrace::app
