# Reads every #include line and holds each file to its layer:
#   cmake -DROOT=<root of the tree> -P tests/layering.cmake
# A layer is a folder. It may include itself and what its row names; a library belongs to the folder
# (or the one file) that its line names. bench and tests are never included from elsewhere.
cmake_minimum_required(VERSION 3.25)

set(layers core/base core/simd core/ops core/reference training/data training/net training/trainer
           training/experiment training/commands reports bench)
set(core/base "")
set(core/simd core/base)
set(core/ops core/base core/simd)
set(core/reference core/base)
set(training/data core/base)
set(training/net core/base core/ops training/data)
set(training/trainer core/base core/simd core/ops training/data training/net)
set(training/experiment core/base core/simd training/data training/net training/trainer reports)
set(training/commands core/base core/simd training/data training/net training/trainer training/experiment
                      reports)
set(reports core/base)
set(bench core/base core/simd core/ops core/reference training/data training/net training/trainer reports)

# Library: what an include of it looks like; who alone may have it.
set(libraries tbb highway intrinsics cli sqlite zlib toml json google_benchmark catch)
set(tbb_include "^(oneapi/)?tbb/")
set(tbb_files "^core/base/parallel\\.cc$")
set(highway_include "^hwy/")
set(highway_files "^core/simd/[^/]*(\\.cc|-inl\\.h)$")
set(intrinsics_include "^[a-z]*intrin\\.h$")
set(intrinsics_files "^core/(base/cpu|simd/gemm_tile_amx)\\.cc$") # the floating-point mode; AMX
set(cli_include "^CLI/")
set(cli_files "^training/commands/parse\\.cc$")
set(sqlite_include "^sqlite3\\.h$")
set(sqlite_files "^reports/[^/]*\\.cc$")
set(zlib_include "^zlib\\.h$")
set(zlib_files "^training/data/[^/]*\\.cc$")
set(toml_include "^toml\\+\\+/")
set(toml_files "^training/((trainer|experiment)/[^/]*\\.cc|experiment/sweep_reader\\.h)$")
set(json_include "^nlohmann/")
set(json_files "^(training/(trainer|experiment)|reports|bench)/.*\\.(cc|h)$")
set(google_benchmark_include "^benchmark/")
set(google_benchmark_files "^bench/")
set(catch_include "^catch2/")
set(catch_files "^tests/support/")

set(complaints "")
set(lines_read 0)

# The layer of a path, or "" for what is no layer (system headers, generated ones, main.cc).
function(find_layer path result)
  foreach(layer ${layers})
    if(path MATCHES "^${layer}/")
      set(${result} ${layer} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

function(check_include file include)
  foreach(library ${libraries})
    if(include MATCHES "${${library}_include}" AND NOT file MATCHES "${${library}_files}"
       AND NOT (file MATCHES "^tests/" AND NOT library STREQUAL "catch"))
      list(APPEND complaints "${file} includes ${include}, which is not for this file")
    endif()
  endforeach()
  find_layer(${file} from)
  find_layer(${include} to)
  set(allowed ${from} ${${from}})
  if(include MATCHES "^tests/" AND NOT file MATCHES "^tests/")
    list(APPEND complaints "${file} includes ${include}: tests are not included")
  elseif(from AND to AND NOT to IN_LIST allowed)
    list(APPEND complaints "${file} includes ${include}: ${from} may not know ${to}")
  endif()
  set(complaints "${complaints}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/core/*.h ${ROOT}/core/*.cc ${ROOT}/training/*.h
     ${ROOT}/training/*.cc ${ROOT}/reports/*.h ${ROOT}/reports/*.cc ${ROOT}/bench/*.h ${ROOT}/bench/*.cc
     ${ROOT}/tests/*.h ${ROOT}/tests/*.cc)
foreach(file ${files})
  file(STRINGS ${ROOT}/${file} lines REGEX "^#[ ]*include ")
  foreach(line ${lines})
    if(line MATCHES "include [\"<]([^\">]+)[\">]")
      check_include(${file} ${CMAKE_MATCH_1})
      math(EXPR lines_read "${lines_read} + 1")
    endif()
  endforeach()
endforeach()

# A table that nothing is held to proves nothing.
if(lines_read LESS 100)
  message(FATAL_ERROR "only ${lines_read} #include lines were found under ${ROOT}")
endif()
if(complaints)
  list(JOIN complaints "\n  " text)
  message(FATAL_ERROR "layers are broken:\n  ${text}")
endif()
message(STATUS "${lines_read} #include lines obey the layers")
