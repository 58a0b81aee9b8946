# Downloads an image set, checked by the SHA-256 of its decompressed bytes:
#   cmake [-DSET=mnist] [-DFOLDER=...] [-DMIRRORS=url;...] [-DTIMEOUT=20] [-DREPORT=file] -P fetch.cmake
# SET is mnist or fashion-mnist. Files land unpacked in FOLDER, by default torchvision's layout below
# ${XDG_CACHE_HOME:-~/.cache}/batchmark; files that are there and right are kept. They are written aside
# and renamed only when all four are right. REPORT gets the one sentence that says what went wrong.
cmake_minimum_required(VERSION 3.25)

# file | decompressed bytes | SHA-256 of them. Smallest first: a machine without network finds out soon.
# MNIST: agreed on by several independent sources, LeCun's page gives no hashes. Fashion-MNIST: Zalando's.
set(mnist_folder MNIST/raw)
set(mnist_mirrors https://ossci-datasets.s3.amazonaws.com/mnist https://storage.googleapis.com/cvdf-datasets/mnist)
set(mnist_files
    "t10k-labels-idx1-ubyte|10008|ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    "train-labels-idx1-ubyte|60008|65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    "t10k-images-idx3-ubyte|7840016|0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    "train-images-idx3-ubyte|47040016|ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")
set(fashion-mnist_folder FashionMNIST/raw)
# The first has no TLS of its own name; the hash decides.
set(fashion-mnist_mirrors http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
                          https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion)
set(fashion-mnist_files
    "t10k-labels-idx1-ubyte|10008|0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    "train-labels-idx1-ubyte|60008|bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    "t10k-images-idx3-ubyte|7840016|5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    "train-images-idx3-ubyte|47040016|c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")

function(stop sentence)
  if(aside)
    file(REMOVE_RECURSE "${aside}")
  endif()
  if(REPORT)
    file(WRITE "${REPORT}" "${sentence}")
  endif()
  message(FATAL_ERROR "${sentence}")
endfunction()

# Sets problem to "" if URL/file.gz was fetched, unpacked to `target` and right; else to why not.
function(fetch_one url bytes hash timeout target)
  set(problem "" PARENT_SCOPE)
  file(DOWNLOAD "${url}" "${target}.gz" TLS_VERIFY ON TIMEOUT ${timeout} STATUS status)
  list(GET status 0 code)
  if(NOT code EQUAL 0)
    list(GET status 1 text)
    string(REPLACE "\"" "" text "${text}")
    set(problem "${url}: ${text}" PARENT_SCOPE)
    return()
  endif()
  # One byte more than expected is enough to see that a file is wrong, however large it unpacks.
  math(EXPR limit "${bytes} + 1")
  execute_process(COMMAND "${gzip}" -dc "${target}.gz" COMMAND head -c ${limit}
                  OUTPUT_FILE "${target}" ERROR_QUIET)
  file(REMOVE "${target}.gz")
  file(SHA256 "${target}" found)
  if(NOT found STREQUAL hash)
    set(problem "${url}: SHA-256 of the decompressed bytes is ${found}, expected ${hash}" PARENT_SCOPE)
  endif()
endfunction()

if(NOT SET)
  set(SET mnist)
endif()
if(NOT ${SET}_files)
  stop("set ${SET} cannot be downloaded, expected mnist or fashion-mnist")
endif()
if(NOT FOLDER)
  if("$ENV{XDG_CACHE_HOME}" MATCHES "^/")
    set(FOLDER "$ENV{XDG_CACHE_HOME}/batchmark/${${SET}_folder}")
  elseif("$ENV{HOME}" MATCHES "^/")
    set(FOLDER "$ENV{HOME}/.cache/batchmark/${${SET}_folder}")
  else()
    stop("neither XDG_CACHE_HOME nor HOME is set, so there is no place to put ${SET}")
  endif()
endif()
if(NOT MIRRORS)
  set(MIRRORS ${${SET}_mirrors})
endif()
if(NOT TIMEOUT)
  set(TIMEOUT 20)
endif()
find_program(gzip gzip)
if(NOT gzip)
  stop("the program gzip is needed to unpack ${SET}")
endif()

string(RANDOM LENGTH 8 suffix)
set(aside "${FOLDER}/.fetch-${suffix}")
file(MAKE_DIRECTORY "${aside}")
set(fetched "")
foreach(row IN LISTS ${SET}_files)
  string(REPLACE "|" ";" row "${row}")
  list(GET row 0 file)
  list(GET row 1 bytes)
  list(GET row 2 hash)
  if(EXISTS "${FOLDER}/${file}" AND NOT IS_DIRECTORY "${FOLDER}/${file}")
    file(SHA256 "${FOLDER}/${file}" present)
    if(present STREQUAL hash)
      message(STATUS "${FOLDER}/${file}: already there")
      continue()
    endif()
  endif()
  set(problem "no mirror")
  set(problems "")
  foreach(mirror IN LISTS MIRRORS)
    fetch_one("${mirror}/${file}.gz" ${bytes} ${hash} ${TIMEOUT} "${aside}/${file}")
    if(problem STREQUAL "")
      break()
    endif()
    list(APPEND problems "${problem}")
    list(REMOVE_ITEM MIRRORS "${mirror}")  # failed once, not asked again
  endforeach()
  if(NOT problem STREQUAL "")
    list(JOIN problems "; " problems)
    stop("${SET} could not be downloaded (${problems}). Without network, put its four files in ./data or a folder named by BATCHMARK_DATA_DIR")
  endif()
  message(STATUS "${FOLDER}/${file}: fetched from ${mirror}")
  list(APPEND fetched ${file})
endforeach()
foreach(file IN LISTS fetched)
  file(RENAME "${aside}/${file}" "${FOLDER}/${file}")
endforeach()
file(REMOVE_RECURSE "${aside}")
message(STATUS "${SET} is in ${FOLDER}")
