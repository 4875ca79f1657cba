#include "hosting/sailor/preload.hpp"

#include <fstream>

namespace millrace::hosting::sailor {
namespace {

/// A limit that somebody else has set holds.
constexpr std::string_view text = R"js('use strict';
// Written by Millrace: see src/hosting/sailor/preload.hpp in its sources.
const Module = require('module');
const load = Module._load;

function unhurried(throttle) {
    const wrap = (fn, limit, interval) => {
        if (typeof fn !== 'function' || !(limit >= LIFTED)) return throttle(fn, limit, interval);
        const call = async function (...args) { return fn.apply(this, args); };
        call.abort = () => {};
        return call;
    };
    return Object.assign(wrap, throttle);
}

Module._load = function (request, ...rest) {
    const loaded = load.call(this, request, ...rest);
    return request === 'p-throttle' && typeof loaded === 'function' ? unhurried(loaded) : loaded;
};
)js";

}  // namespace

Status write_preload(const std::string& folder) {
  const auto path = folder + "/" + std::string(preload_file);
  std::ofstream file(path, std::ios::trunc);
  file << text << "const LIFTED = " << lifted_limit << ";\n" << std::flush;
  if (file) return Done{};
  return Error{Error::Kind::io, "cannot write " + path};
}

}  // namespace millrace::hosting::sailor
