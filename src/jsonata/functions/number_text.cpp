#include "jsonata/functions/library.hpp"
namespace millrace::jsonata {
Family number_text_functions() {
  return {nullptr, 0};
}
Family date_functions() {
  return {nullptr, 0};
}
}  // namespace millrace::jsonata
