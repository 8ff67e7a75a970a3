# hyperroute-bench-codec: NewOrder in C++ by our codec and by the code that SBE generates. SBE's tool
# comes from Maven Central, checked by its hash, into the build folder; what it generates stays
# there. Without it (no Java, no network) the executable measures ours alone.
include(bench/native/maven.cmake)
set(HR_SBE_VERSION 1.38.1)
set(HR_SBE_SHA256 26e29e5503faa70cc56158fcdacd6369ecfc3088b9a61c90b882feb54451c9b5)
set(HR_SBE_JAR ${CMAKE_BINARY_DIR}/sbe/sbe-all-${HR_SBE_VERSION}.jar)
set(HR_SBE_SCHEMA ${CMAKE_SOURCE_DIR}/bench/peers/sbe/new-order.xml)
set(HR_SBE_GENERATED ${CMAKE_BINARY_DIR}/sbe/generated-${HR_SBE_VERSION})
set(HR_SBE_HEADER ${HR_SBE_GENERATED}/codec_peer/NewOrder.h)
set(HR_SBE_JAVA_SECONDS 60)

# Sets OUT to the reason why there is no generated code, or to nothing.
function(hr_sbe_generate OUT)
  set(${OUT} "" PARENT_SCOPE)
  if(EXISTS ${HR_SBE_HEADER} AND NOT ${HR_SBE_SCHEMA} IS_NEWER_THAN ${HR_SBE_HEADER})
    return()
  endif()
  find_program(HR_JAVA java)
  if(NOT HR_JAVA)
    set(${OUT} "there is no java to run its tool" PARENT_SCOPE)
    return()
  endif()
  hr_maven_fetch(REASON uk/co/real-logic/sbe-all/${HR_SBE_VERSION}/sbe-all-${HR_SBE_VERSION}.jar
    ${HR_SBE_SHA256} ${HR_SBE_JAR})
  if(REASON)
    set(${OUT} "${REASON}" PARENT_SCOPE)
    return()
  endif()
  file(REMOVE_RECURSE ${HR_SBE_GENERATED})
  execute_process(
    COMMAND ${HR_JAVA} --add-opens java.base/jdk.internal.misc=ALL-UNNAMED
      -Dsbe.target.language=cpp -Dsbe.output.dir=${HR_SBE_GENERATED}
      -Dsbe.validation.stop.on.error=true -jar ${HR_SBE_JAR} ${HR_SBE_SCHEMA}
    TIMEOUT ${HR_SBE_JAVA_SECONDS} RESULT_VARIABLE CODE OUTPUT_QUIET)
  if(NOT CODE EQUAL 0 OR NOT EXISTS ${HR_SBE_HEADER})
    file(REMOVE_RECURSE ${HR_SBE_GENERATED})
    set(${OUT} "its tool did not generate code (java: ${CODE})" PARENT_SCOPE)
  endif()
endfunction()

hr_sbe_generate(HR_SBE_MISSING)
set(HR_CODEC_FOLDER ${CMAKE_SOURCE_DIR}/bench/native/codec)
add_executable(hyperroute-bench-codec EXCLUDE_FROM_ALL
  ${HR_CODEC_FOLDER}/main.cc ${HR_CODEC_FOLDER}/ours.cc
  ${CMAKE_SOURCE_DIR}/bench/native/allocations.cc
  ${CMAKE_SOURCE_DIR}/bench/native/output.cc ${CMAKE_SOURCE_DIR}/bench/native/options.cc)
target_include_directories(hyperroute-bench-codec PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(hyperroute-bench-codec PRIVATE hyperroute_core)
# With its builtins the compiler would take malloc apart from what it is defined as here.
target_compile_options(hyperroute-bench-codec PRIVATE -fno-builtin-malloc)
if(HR_SBE_MISSING)
  message(WARNING "The codec bench goes without SBE: ${HR_SBE_MISSING}")
else()
  target_sources(hyperroute-bench-codec PRIVATE ${HR_CODEC_FOLDER}/sbe.cc)
  target_include_directories(hyperroute-bench-codec SYSTEM PRIVATE ${HR_SBE_GENERATED})
  target_compile_definitions(hyperroute-bench-codec PRIVATE HR_BENCH_SBE)
  # Its checks throw; all other flags are those of our own code.
  set_source_files_properties(${HR_CODEC_FOLDER}/sbe.cc PROPERTIES COMPILE_OPTIONS -fexceptions)
endif()
