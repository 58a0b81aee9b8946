// --version: everything that may change a figure.
#include "core/base/build_info.h"
#include "core/base/parallel.h"
#include "core/simd/backend.h"
#include "reports/format.h"
#include "training/commands/command.h"
#include "training/trainer/run_spec.h"

namespace batchmark {

std::string VersionText() {
  const BuildInfo& build = GetBuildInfo();
  const std::string backends = report::Joined(BackendNames(), ", ");
  return "batchmark " + build.version + "\n" +                                    //
         "revision   " + build.revision + "\n" +                                  //
         "build      " + build.build_type + ", " + build.compiler + "\n" +        //
         "program    " + BinaryId() + "\n" +                                      //
         "scheduler  " + ParallelBackend() + "\n" +                               //
         "simd       " + ActiveBackend() + " in use; here: " + backends + "\n" +  //
         "numerics   " + kNumericsVersion + "\n";
}

}  // namespace batchmark
