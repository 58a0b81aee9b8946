#include "bench/peers/peers.h"

#include <unistd.h>

#include <cstdlib>

namespace batchmark::bench {

#ifdef BATCHMARK_HAVE_OPENBLAS
Peer OpenBlasPeer();  // openblas.cc
const char* OpenBlasWantedCore();
#endif
#ifdef BATCHMARK_HAVE_ONEDNN
std::vector<Peer> OneDnnPeers();  // onednn.cc: NHWC and the library's own blocked layout
#endif

const std::vector<Peer>& Peers() {
  static const std::vector<Peer> peers = [] {
    std::vector<Peer> list;
#ifdef BATCHMARK_HAVE_OPENBLAS
    list.push_back(OpenBlasPeer());
#endif
#ifdef BATCHMARK_HAVE_ONEDNN
    for (const Peer& peer : OneDnnPeers()) list.push_back(peer);
#endif
    return list;
  }();
  return peers;
}

const Peer* FindPeer(const std::string& name) {
  for (const Peer& peer : Peers()) {
    if (name == peer.name) return &peer;
  }
  return nullptr;
}

std::string PeersSentence() {
  std::string built, missing;
  for (const char* name : {"openblas", "onednn"}) {
    const Peer* peer = FindPeer(name);
    std::string& list = peer ? built : missing;
    if (!list.empty()) list += ", ";
    list += name;
    if (peer) list += " " + peer->version;
  }
  if (built.empty()) return "none built (openblas, onednn)";
  return missing.empty() ? built : built + "; not built: " + missing;
}

void RestartWithPeerEnvironment(char** argv) {
#ifdef BATCHMARK_HAVE_OPENBLAS
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  const char* wanted = OpenBlasWantedCore();
  if (wanted == nullptr || std::getenv(kVariable) != nullptr) return;
  setenv(kVariable, wanted, 1);
  execv("/proc/self/exe", argv);  // on failure: go on as we are, PeersSentence names the core used
#else
  (void)argv;
#endif
}

}  // namespace batchmark::bench
