#include "components/catalogue.hpp"

#include "components/functions.hpp"

namespace millrace::components {

component::Catalogue make_catalogue() {
  return component::Catalogue({webhook_receive(), timer_tick(), http_poll(), jsonata_transform(), http_request(),
                               http_reply(), email_send(), message_filter(), message_split(), message_log()});
}

}  // namespace millrace::components
