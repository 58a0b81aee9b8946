# cmake -DPROGRAM=... -DARGUMENTS=a;b -DCODE=n -P expect_exit.cmake: fails unless PROGRAM ends with code n.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE errors)
if(NOT code STREQUAL CODE)
  message(FATAL_ERROR "${PROGRAM} ${ARGUMENTS} ended with ${code}, not ${CODE}:\n${errors}")
endif()
