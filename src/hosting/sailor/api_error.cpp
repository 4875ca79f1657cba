#include "hosting/sailor/api_error.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace millrace::hosting::sailor {
namespace json = boost::json;

io::posix::HttpResponse api_error(int status, std::string_view why) {
  return {status, "application/json", json::serialize(json::object{{"error", why}})};
}

}  // namespace millrace::hosting::sailor
