// The outcome fields of a run, named once.
#include "reports/run_columns.h"

#include <algorithm>

namespace batchmark {

const std::vector<RunColumn>& RunColumns() {
  static const std::vector<RunColumn> columns = {
      {"data_name", &RunRecord::data_name},
      {"data_hash", &RunRecord::data_hash},
      {"backend", &RunRecord::backend},
      {"compute", &RunRecord::compute},
      {"threads", &RunRecord::threads},
      {"binary_id", &RunRecord::binary_id},
      {"host_id", &RunRecord::host_id},
      {"status", &RunRecord::status},
      {"steps", &RunRecord::steps},
      {"steps_to_target", &RunRecord::steps_to_target},
      {"time_to_target_s", &RunRecord::time_to_target_s},
      {"train_s", &RunRecord::train_s},
      {"eval_s", &RunRecord::eval_s},
      {"wall_s", &RunRecord::wall_s},
      {"ms_per_step", &RunRecord::ms_per_step},
      {"ms_per_step_median", &RunRecord::ms_per_step_median},
      {"samples_per_s", &RunRecord::samples_per_s},
      {"train_loss", &RunRecord::train_loss},
      {"val_accuracy", &RunRecord::val_accuracy},
      {"test_accuracy", &RunRecord::test_accuracy},
      {"diverged_step", &RunRecord::diverged_step},
      {"diverged_place", &RunRecord::diverged_place},
      {"state_hash", &RunRecord::state_hash},
      {"attempts", &RunRecord::attempts},
      {"started_at", &RunRecord::started_at},
      {"finished_at", &RunRecord::finished_at},
  };
  return columns;
}

std::string SpecColumnName(const std::string& spec_key) {
  const bool taken = spec_key == "key" || spec_key == "experiment" || spec_key == "arm" ||
                     std::any_of(RunColumns().begin(), RunColumns().end(),
                                 [&](const RunColumn& column) { return spec_key == column.name; });
  return taken ? "spec_" + spec_key : spec_key;
}

}  // namespace batchmark
