# hyperroute-bench-links: Raptor and its C++ peers as two-ended links, each where its library is
# installed; and Aeron's link, in Java, with the jars of two versions from Maven Central. What is
# missing is left out with the reason.
include(bench/native/maven.cmake)
set(HR_LINKS_FOLDER ${CMAKE_SOURCE_DIR}/bench/native/links)
add_executable(hyperroute-bench-links EXCLUDE_FROM_ALL
  ${HR_LINKS_FOLDER}/main.cc ${CMAKE_SOURCE_DIR}/bench/native/pair.cc
  ${CMAKE_SOURCE_DIR}/bench/native/output.cc ${CMAKE_SOURCE_DIR}/bench/native/options.cc)
target_include_directories(hyperroute-bench-links PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(hyperroute-bench-links PRIVATE hyperroute_core ${CMAKE_DL_LIBS})

function(hr_link_peer NAME HEADER LIBRARY DEFINITION PACKAGE)
  find_path(HR_${NAME}_INCLUDE ${HEADER})
  find_library(HR_${NAME}_LIBRARY ${LIBRARY})
  if(HR_${NAME}_INCLUDE AND HR_${NAME}_LIBRARY)
    target_include_directories(hyperroute-bench-links SYSTEM PRIVATE ${HR_${NAME}_INCLUDE})
    target_link_libraries(hyperroute-bench-links PRIVATE ${HR_${NAME}_LIBRARY})
    target_compile_definitions(hyperroute-bench-links PRIVATE ${DEFINITION})
  else()
    message(WARNING "The link benches go without ${NAME}: install ${PACKAGE}")
  endif()
endfunction()
hr_link_peer(ENET enet/enet.h enet HR_LINK_ENET libenet-dev)
hr_link_peer(ZEROMQ zmq.h zmq HR_LINK_ZEROMQ libzmq3-dev)

set(HR_AERON_VERSIONS 1.46.7 1.51.0)
set(HR_AERON_SHA256_1.46.7 ded2ed3c5b73991e31c439a7562a294e5d5566f955c3a9e81089a28a6b5b9d55)
set(HR_AERON_SHA256_1.51.0 9686a7c6bb3c464f7ac76ceaf7a0c67249e3499aa8142872a6d1b2f398bca458)
set(HR_AERON_FOLDER ${CMAKE_BINARY_DIR}/aeron)
find_program(HR_JAVA java)
find_program(HR_JAVAC javac)
set(HR_AERON_MISSING "")
set(HR_AERON_JARS "")
if(NOT HR_JAVA OR NOT HR_JAVAC)
  set(HR_AERON_MISSING "there is no java and javac")
endif()
foreach(VERSION ${HR_AERON_VERSIONS})
  set(JAR ${HR_AERON_FOLDER}/aeron-all-${VERSION}.jar)
  list(APPEND HR_AERON_JARS ${JAR})
  if(NOT HR_AERON_MISSING)
    hr_maven_fetch(HR_AERON_MISSING io/aeron/aeron-all/${VERSION}/aeron-all-${VERSION}.jar
      ${HR_AERON_SHA256_${VERSION}} ${JAR})
  endif()
endforeach()
if(HR_AERON_MISSING)
  message(WARNING "The link benches go without Aeron: ${HR_AERON_MISSING}")
else()
  list(GET HR_AERON_JARS 0 HR_AERON_JAR)
  add_custom_command(OUTPUT ${HR_AERON_FOLDER}/AeronLink.class
    COMMAND ${HR_JAVAC} -cp ${HR_AERON_JAR} -d ${HR_AERON_FOLDER}
      ${CMAKE_SOURCE_DIR}/bench/peers/aeron/AeronLink.java
    DEPENDS ${CMAKE_SOURCE_DIR}/bench/peers/aeron/AeronLink.java VERBATIM)
  add_custom_target(hyperroute-bench-aeron DEPENDS ${HR_AERON_FOLDER}/AeronLink.class)
  add_dependencies(hyperroute-bench-links hyperroute-bench-aeron)
endif()
