#include "io/posix/openssl_library.hpp"

#include <string>

#include <dlfcn.h>

namespace millrace::io::posix {
namespace {

Result<OpensslLibrary> load_library() {
  void* handle = ::dlopen("libssl.so.3", RTLD_LAZY | RTLD_LOCAL);  // and with it libcrypto, where dlsym looks, too
  if (handle == nullptr) {
    return Error{Error::Kind::unsupported,
                 std::string("OpenSSL cannot be loaded: ") + ::dlerror() + " (install the package libssl3)"};
  }
  OpensslLibrary library;
#define MILLRACE_OPENSSL_LOAD(name)                                                 \
  library.name = reinterpret_cast<decltype(library.name)>(::dlsym(handle, #name));  \
  if (library.name == nullptr) {                                                    \
    return Error{Error::Kind::unsupported, "OpenSSL is too old: it has no " #name}; \
  }
  MILLRACE_OPENSSL_FUNCTIONS(MILLRACE_OPENSSL_LOAD)
#undef MILLRACE_OPENSSL_LOAD
  return library;
}

}  // namespace

Result<const OpensslLibrary*> OpensslLibrary::load() {
  static const Result<OpensslLibrary> library = load_library();
  if (!library) return library.error();
  return &*library;
}

}  // namespace millrace::io::posix
