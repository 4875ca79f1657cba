#include "app/first_token.hpp"

#include "app/secret_file.hpp"
#include "store/tokens.hpp"

namespace millrace::app {
Result<bool> first_token(store::Store& store, const std::string& file, std::int64_t now) {
  return store.now<bool>([&](store::Database& database) -> Result<bool> {
    store::Tokens tokens(database);
    const auto any = tokens.any();
    if (!any) return any.error();
    if (*any) return false;
    store::Token token{{}, "admin", {"admin"}, "the first start", now};
    const auto made = tokens.create(token);
    if (!made) return made.error();
    if (auto written = write_secret_file(file, made->text); !written) return written.error().in("first token");
    return true;
  });
}

}  // namespace millrace::app
